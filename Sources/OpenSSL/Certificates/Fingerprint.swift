/// SHA-256: how people compare certificates, and how a log binds its lines.
package enum Fingerprint {
    /// SHA-256 as it is: 32 bytes.
    package static func digest(_ bytes: [UInt8]) -> [UInt8] { Digest.sha256(bytes) }

    /// The digest of a text's UTF-8, as 64 digits in lower case.
    package static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

    /// 64 digits in lower case.
    package static func sha256(_ bytes: [UInt8]) -> String { text(of: Digest.sha256(bytes)) }

    /// A digest as digits in lower case.
    internal static func text(of digest: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in digest { text += [digits[Int(byte >> 4)], digits[Int(byte & 0xF)]] }
        return String(decoding: text, as: UTF8.self)
    }
}

extension Certificate {
    /// SHA-256 of its DER, in hexadecimal.
    package var fingerprint: String { Fingerprint.sha256(der) }
}
