//! The functions of WASI that have no effect in a proxy.

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn fd_fdstat_set_flags(a0: u32, a1: u32) -> u32;
    fn fd_fdstat_set_rights(a0: u32, a1: u64, a2: u64) -> u32;
    fn clock_res_get(a0: u32, a1: u32) -> u32;
    fn fd_advise(a0: u32, a1: u64, a2: u64, a3: u32) -> u32;
    fn fd_allocate(a0: u32, a1: u64, a2: u64) -> u32;
    fn fd_datasync(a0: u32) -> u32;
    fn fd_sync(a0: u32) -> u32;
    fn fd_tell(a0: u32, a1: u32) -> u32;
    fn fd_filestat_get(a0: u32, a1: u32) -> u32;
    fn fd_filestat_set_size(a0: u32, a1: u64) -> u32;
    fn fd_filestat_set_times(a0: u32, a1: u64, a2: u64, a3: u32) -> u32;
    fn fd_pread(a0: u32, a1: u32, a2: u32, a3: u64, a4: u32) -> u32;
    fn fd_pwrite(a0: u32, a1: u32, a2: u32, a3: u64, a4: u32) -> u32;
    fn fd_readdir(a0: u32, a1: u32, a2: u32, a3: u64, a4: u32) -> u32;
    fn fd_renumber(a0: u32, a1: u32) -> u32;
    fn path_create_directory(a0: u32, a1: u32, a2: u32) -> u32;
    fn path_filestat_get(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32) -> u32;
    fn path_filestat_set_times(
        a0: u32,
        a1: u32,
        a2: u32,
        a3: u32,
        a4: u64,
        a5: u64,
        a6: u32,
    ) -> u32;
    fn path_link(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> u32;
    fn path_readlink(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> u32;
    fn path_remove_directory(a0: u32, a1: u32, a2: u32) -> u32;
    fn path_rename(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> u32;
    fn path_symlink(a0: u32, a1: u32, a2: u32, a3: u32) -> u32;
    fn path_unlink_file(a0: u32, a1: u32, a2: u32) -> u32;
    fn poll_oneoff(a0: u32, a1: u32, a2: u32, a3: u32) -> u32;
    fn sched_yield() -> u32;
    fn sock_accept(a0: u32, a1: u32, a2: u32) -> u32;
    fn sock_recv(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> u32;
    fn sock_send(a0: u32, a1: u32, a2: u32, a3: u32, a4: u32) -> u32;
    fn sock_shutdown(a0: u32, a1: u32) -> u32;
    fn fd_read(a0: u32, a1: u32, a2: u32, a3: u32) -> u32;
    fn fd_seek(a0: u32, a1: u64, a2: u32, a3: u32) -> u32;
    fn fd_close(a0: u32) -> u32;
    fn fd_fdstat_get(a0: u32, a1: u32) -> u32;
    fn fd_prestat_get(a0: u32, a1: u32) -> u32;
    fn fd_prestat_dir_name(a0: u32, a1: u32, a2: u32) -> u32;
    fn path_open(
        a0: u32,
        a1: u32,
        a2: u32,
        a3: u32,
        a4: u32,
        a5: u64,
        a6: u64,
        a7: u32,
        a8: u32,
    ) -> u32;
    fn args_get(a0: u32, a1: u32) -> u32;
    fn args_sizes_get(a0: u32, a1: u32) -> u32;
    fn clock_time_get(a0: u32, a1: u64, a2: u32) -> u32;
    fn random_get(a0: u32, a1: u32) -> u32;
}

/// Calls them, on standard output where they take a file.
pub(crate) unsafe fn call_all() -> String {
    let mut place = 0_u64;
    let at = &raw mut place as usize as u32;
    unsafe {
        let answers = [
            ("fd_fdstat_set_flags", fd_fdstat_set_flags(1, 0)),
            ("fd_fdstat_set_rights", fd_fdstat_set_rights(1, 0, 0)),
            ("clock_res_get", clock_res_get(0, 0)),
            ("fd_advise", fd_advise(1, 0, 0, 0)),
            ("fd_allocate", fd_allocate(1, 0, 0)),
            ("fd_datasync", fd_datasync(1)),
            ("fd_sync", fd_sync(1)),
            ("fd_tell", fd_tell(1, 0)),
            ("fd_filestat_get", fd_filestat_get(1, 0)),
            ("fd_filestat_set_size", fd_filestat_set_size(1, 0)),
            ("fd_filestat_set_times", fd_filestat_set_times(1, 0, 0, 0)),
            ("fd_pread", fd_pread(1, 0, 0, 0, 0)),
            ("fd_pwrite", fd_pwrite(1, 0, 0, 0, 0)),
            ("fd_readdir", fd_readdir(1, 0, 0, 0, 0)),
            ("fd_renumber", fd_renumber(1, 0)),
            ("path_create_directory", path_create_directory(0, 0, 0)),
            ("path_filestat_get", path_filestat_get(0, 0, 0, 0, 0)),
            (
                "path_filestat_set_times",
                path_filestat_set_times(0, 0, 0, 0, 0, 0, 0),
            ),
            ("path_link", path_link(0, 0, 0, 0, 0, 0)),
            ("path_readlink", path_readlink(0, 0, 0, 0, 0, 0)),
            ("path_remove_directory", path_remove_directory(0, 0, 0)),
            ("path_rename", path_rename(0, 0, 0, 0, 0, 0)),
            ("path_symlink", path_symlink(0, 0, 0, 0)),
            ("path_unlink_file", path_unlink_file(0, 0, 0)),
            ("poll_oneoff", poll_oneoff(0, 0, 0, 0)),
            ("sched_yield", sched_yield()),
            ("sock_accept", sock_accept(0, 0, 0)),
            ("sock_recv", sock_recv(0, 0, 0, 0, 0, 0)),
            ("sock_send", sock_send(0, 0, 0, 0, 0)),
            ("sock_shutdown", sock_shutdown(0, 0)),
            ("fd_read", fd_read(1, 0, 0, 0)),
            ("fd_seek", fd_seek(1, 0, 0, 0)),
            ("fd_close", fd_close(1)),
            ("fd_fdstat_get", fd_fdstat_get(1, 0)),
            ("fd_prestat_get", fd_prestat_get(1, 0)),
            ("fd_prestat_dir_name", fd_prestat_dir_name(1, 0, 0)),
            ("path_open", path_open(0, 0, 0, 0, 0, 0, 0, 0, 0)),
            ("args_get", args_get(0, 0)),
            ("args_sizes_get", args_sizes_get(at, at)),
            ("clock_time_get", clock_time_get(0, 0, at)),
            ("random_get", random_get(0, 0)),
        ];
        answers
            .map(|(name, errno)| format!("{name}={errno}"))
            .join(" ")
    }
}
