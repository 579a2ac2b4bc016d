//! What the proxy itself verified about a caller before any policy ran.

/// One such thing. A policy names those that it wants to know ([`crate::Policy::attributes`]); [`crate::RequestHead`] then has those that
/// there are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attribute {
    /// The first URI in the subject alternative names of the client's certificate: `spiffe://company.com/eng/ci`.
    CertificateUri,
    /// The first DNS name there.
    CertificateDns,
    /// The certificate's subject, RFC 2253: `CN=ci,O=Company`.
    CertificateSubject,
    /// The SHA-256 digest of the certificate, 64 lower case hex digits.
    CertificateSha256,
    /// A claim of a JSON Web Token. A number or boolean is its text; of a list each string is an attribute of its own.
    Claim {
        /// Under which name the proxy keeps the token's payload.
        payload: String,
        /// The claim's name.
        claim: String,
    },
}
