/// SHA-256: how people compare certificates, and how a log binds its lines.
package enum Fingerprint {
    /// SHA-256 as it is: 32 bytes.
    package static func digest(_ bytes: [UInt8]) -> [UInt8] { Digest.sha256(bytes) }

    /// The digest of a text's UTF-8, as 64 digits in lower case.
    package static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

    /// 64 digits in lower case.
    package static func sha256(_ bytes: [UInt8]) -> String { Hexadecimal.text(Digest.sha256(bytes)) }
}

extension [Certificate] {
    /// SHA-256 of all of them in DER, one after another, in hexadecimal.
    package var fingerprint: String { Fingerprint.sha256(flatMap(\.der)) }
}

extension Certificate {
    /// SHA-256 of its DER, in hexadecimal.
    package var fingerprint: String { Fingerprint.sha256(der) }
}
