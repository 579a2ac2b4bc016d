//! Media types of parts that hold no text, as the record may name them.

/// Types that are named in full. What a client writes is never repeated: it could be anything, a secret too.
const KNOWN: &str = "application/gzip application/json application/msword application/octet-stream application/pdf application/zip \
    audio/aac audio/flac audio/m4a audio/mp3 audio/mp4 audio/mpeg audio/ogg audio/opus audio/pcm16 audio/wav \
    audio/webm image/avif image/bmp image/gif image/heic image/jpeg image/png image/svg+xml image/tiff image/webp \
    text/csv text/html text/markdown text/plain video/mp4 video/mpeg video/quicktime video/webm";

/// Other types of these families are named by their family.
const FAMILIES: &[(&str, &str)] = &[
    ("audio/", "audio/*"),
    ("image/", "image/*"),
    ("text/", "text/*"),
    ("video/", "video/*"),
];

/// What is named when nothing is known.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// What stands before the first of such a sign, and behind it. The core library looks for patterns of any kind, in ten times as many bytes of code.
#[inline(never)]
pub(crate) fn cut(text: &str, sign: u8) -> (&str, Option<&str>) {
    let at = text.bytes().position(|byte| byte == sign);
    let at = at.unwrap_or(text.len());
    let (before, behind) = text.split_at_checked(at).unwrap_or((text, ""));
    (before, behind.get(1..))
}

/// The known type of this name, in any case, behind a beginning that it is written without.
fn known(beginning: &str, written: &str) -> Option<&'static str> {
    let mut rest = Some(KNOWN);
    while let Some(list) = rest {
        let (name, behind) = cut(list, b' ');
        let its = name.strip_prefix(beginning);
        if its.is_some_and(|its| its.eq_ignore_ascii_case(written)) {
            return Some(name);
        }
        rest = behind;
    }
    None
}

/// The name for a media type as the client wrote it, parameters and all.
pub(crate) fn named(written: &str) -> &'static str {
    let (essence, _) = cut(written, b';');
    let essence = essence.trim_ascii();
    known("", essence).unwrap_or_else(|| {
        let family = |(prefix, _): &&(&str, &str)| {
            essence
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        FAMILIES
            .iter()
            .find(family)
            .map_or(UNKNOWN, |(_, name)| name)
    })
}

/// The name for an audio format such as `wav`.
pub(crate) fn of_audio(format: &str) -> &'static str {
    known("audio/", format).unwrap_or("audio/*")
}

/// The name for what a URL carries within itself (RFC 2397), given its beginning; `None` when it only points elsewhere. What is no
/// URL is bare base64.
pub(crate) fn of_url(head: &str) -> Option<&'static str> {
    let scheme_is = |scheme: &str| {
        head.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if scheme_is("http://") || scheme_is("https://") {
        return None;
    }
    if !scheme_is("data:") {
        return Some(UNKNOWN);
    }
    let (written, _) = cut(head.get("data:".len()..)?, b',');
    let (written, _) = cut(written, b';');
    // RFC 2397: without a type it is plain text.
    Some(if written.is_empty() {
        "text/plain"
    } else {
        named(written)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_names_are_repeated() {
        for (written, name) in [
            ("image/png", "image/png"),
            ("IMAGE/PNG; q=1", "image/png"),
            ("image/sk-ant-api03", "image/*"),
            ("sk-ant-api03/png", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert_eq!(named(written), name);
        }
        assert_eq!(of_audio("wav"), "audio/wav");
        assert_eq!(of_audio("123-45-6789"), "audio/*");
        assert_eq!(of_url("data:image/jpeg;base64,/9j/"), Some("image/jpeg"));
        assert_eq!(of_url("DATA:,hello"), Some("text/plain"));
        assert_eq!(of_url("https://example.com/x.png"), None);
        assert_eq!(of_url("JVBERi0xLjQK"), Some(UNKNOWN));
        assert!(KNOWN.split(' ').is_sorted());
        assert_eq!(named("VIDEO/webm"), "video/webm");
        assert_eq!(named("application/gzip application/json"), UNKNOWN);
    }
}
