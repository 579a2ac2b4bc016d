//! Module `dlp`.
