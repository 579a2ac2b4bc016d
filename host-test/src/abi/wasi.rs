//! WASI preview 1, as much of it as the C++ host has: output to the log, randomness and the environment are real, there
//! are no arguments and no files. What has nothing to act on is a stub in the table.

use super::call::{Answer, Call, Fault};
use crate::status::LogLevel;

/// Error numbers of WASI.
pub(super) const SUCCESS: u32 = 0;
pub(super) const EBADF: u32 = 8;
pub(super) const EEXIST: u32 = 20;
pub(super) const EFAULT: u32 = 21;
const EINVAL: u32 = 28;
pub(super) const ENOENT: u32 = 44;
pub(super) const ENOSYS: u32 = 52;
pub(super) const ENOTSUP: u32 = 58;

/// Most random bytes at once (`PROXY_WASM_HOST_WASI_RANDOM_GET_MAX_SIZE_BYTES`).
const RANDOM_BYTES_MAX: u32 = 64 * 1024;

fn fault() -> Fault {
    Fault::Errno(EFAULT)
}

fn write_u32(call: &mut Call<'_>, at: u32, value: u32) -> Answer {
    call.try_write(at, &value.to_le_bytes()).ok_or(fault())
}

/// Standard output goes to the log as info, standard error as error.
pub(super) fn fd_write(
    call: &mut Call<'_>,
    fd: u32,
    iovs: u32,
    count: u32,
    written_at: u32,
) -> Answer {
    let level = match fd {
        1 => LogLevel::Info,
        2 => LogLevel::Error,
        _ => return Err(Fault::Errno(EBADF)),
    };
    let mut text = Vec::new();
    for place in 0..count {
        let at = place
            .checked_mul(8)
            .and_then(|offset| iovs.checked_add(offset))
            .ok_or(fault())?;
        let (address, size) = call
            .slice(at, 8)
            .and_then(|iov| iov.split_first_chunk::<4>())
            .and_then(|(address, size)| {
                Some((
                    u32::from_le_bytes(*address),
                    u32::from_le_bytes(size.try_into().ok()?),
                ))
            })
            .ok_or(fault())?;
        text.extend_from_slice(call.slice(address, size).ok_or(fault())?);
    }
    let written = u32::try_from(text.len()).unwrap_or(u32::MAX);
    if written > 0 {
        call.state()
            .log(level, text.strip_suffix(b"\n").unwrap_or(&text));
    }
    write_u32(call, written_at, written)
}

pub(super) fn random_get(call: &mut Call<'_>, buffer: u32, size: u32) -> Answer {
    if size > RANDOM_BYTES_MAX {
        return Err(Fault::Errno(EINVAL));
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    call.world().with(|state| state.random.fill(&mut bytes));
    call.try_write(buffer, &bytes).ok_or(fault())
}

fn entries(call: &Call<'_>) -> Vec<String> {
    call.state()
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}\0"))
        .collect()
}

pub(super) fn environ_sizes_get(call: &mut Call<'_>, count_at: u32, size_at: u32) -> Answer {
    let entries = entries(call);
    let size: usize = entries.iter().map(String::len).sum();
    write_u32(
        call,
        count_at,
        u32::try_from(entries.len()).unwrap_or(u32::MAX),
    )?;
    write_u32(call, size_at, u32::try_from(size).unwrap_or(u32::MAX))
}

pub(super) fn environ_get(call: &mut Call<'_>, pointers: u32, buffer: u32) -> Answer {
    let (mut pointer, mut text) = (pointers, buffer);
    for entry in entries(call) {
        write_u32(call, pointer, text)?;
        call.try_write(text, entry.as_bytes()).ok_or(fault())?;
        pointer = pointer.checked_add(4).ok_or(fault())?;
        text = u32::try_from(entry.len())
            .ok()
            .and_then(|size| text.checked_add(size))
            .ok_or(fault())?;
    }
    Ok(())
}

pub(super) fn args_get(_: &mut Call<'_>, _pointers: u32, _buffer: u32) -> Answer {
    Ok(())
}

pub(super) fn args_sizes_get(call: &mut Call<'_>, count_at: u32, size_at: u32) -> Answer {
    write_u32(call, count_at, 0)?;
    write_u32(call, size_at, 0)
}

/// Only standard output and standard error exist, and they can be written.
pub(super) fn fd_fdstat_get(call: &mut Call<'_>, fd: u32, stat_at: u32) -> Answer {
    const RIGHT_FD_WRITE: u64 = 64;
    if fd != 1 && fd != 2 {
        return Err(Fault::Errno(EBADF));
    }
    let stat = [0, RIGHT_FD_WRITE, 0].map(u64::to_le_bytes).concat();
    // As in the C++ host a bad address is no error here.
    let _ = call.try_write(stat_at, &stat);
    Ok(())
}

pub(super) fn fd_prestat_get(_: &mut Call<'_>, _fd: u32, _prestat_at: u32) -> Answer {
    Err(Fault::Errno(EBADF))
}

pub(super) fn fd_prestat_dir_name(_: &mut Call<'_>, _fd: u32, _path: u32, _size: u32) -> Answer {
    Err(Fault::Errno(ENOSYS))
}

/// Not WASI, but what Emscripten's C library asks for: answers 1 for equal numbers.
pub(super) fn pthread_equal(_: &mut Call<'_>, left: u32, right: u32) -> Answer {
    if left == right {
        Err(Fault::Errno(1))
    } else {
        Ok(())
    }
}
