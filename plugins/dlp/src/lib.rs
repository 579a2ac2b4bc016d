//! dlp
