package import Linux

/// base64url without padding (RFC 4648, section 5; RFC 7515, section 2).
package enum Base64URL {
    internal static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        var (bits, held): (UInt32, Int) = (0, 0)
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            held += 8
            while held >= 6 {
                held -= 6
                text.append(alphabet[Int(bits >> UInt32(held) & 0x3F)])
            }
        }
        if held > 0 { text.append(alphabet[Int(bits << UInt32(6 - held) & 0x3F)]) }
        return String(decoding: text, as: UTF8.self)
    }

    package static func encode(_ text: String) -> String { encode(text.utf8) }

    /// nil when the text holds anything else than the alphabet, or bits that no byte uses.
    package static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (bits, held): (UInt32, Int) = (0, 0)
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 6 | UInt32(value)
            held += 6
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        guard held < 6, bits & (1 << UInt32(held) - 1) == 0 else { return nil }
        return bytes
    }

    /// Decodes a secret without a copy that is not wiped. White space around and within it, and the padding of base64, are
    /// passed over, as people leave them in files.
    ///
    /// - Returns: nil when the text holds anything else than the alphabet, or bits that no byte uses.
    package static func decode(secret text: Span<UInt8>) throws(SystemError) -> SecretBytes? {
        var characters = 0
        for index in text.indices where !isPassedOver(text[index]) { characters += 1 }
        let secret = try SecretBytes(count: characters * 6 / 8)
        var (bits, held, count): (UInt32, Int, Int) = (0, 0, 0)
        for index in text.indices where !isPassedOver(text[index]) {
            guard let value = alphabet.firstIndex(of: text[index]) else { return nil }
            bits = bits << 6 | UInt32(value)
            held += 6
            if held >= 8 {
                held -= 8
                secret.set(count, UInt8(truncatingIfNeeded: bits >> UInt32(held)))
                count += 1
            }
        }
        guard held < 6, bits & (1 << UInt32(held) - 1) == 0 else { return nil }
        return secret
    }

    private static func isPassedOver(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x09, 0x0A, 0x0D, 0x20, UInt8(ascii: "="): true
        default: false
        }
    }
}
