import Bytes
import HTTPWire
import OpenSSL

/// The opening handshake of a WebSocket, the server's side (RFC 6455 section 4.2).
internal enum WebSocketHandshake {
    enum Outcome: Equatable {
        /// What goes into Sec-WebSocket-Accept.
        case accepted([UInt8])
        /// It asks for no WebSocket, or for another version of it: 426.
        case upgradeRequired
        /// 400.
        case malformed
    }

    static func judge(_ head: MessageHead) throws(OpenSSLError) -> Outcome {
        let bytes = head.bytes
        guard head.method == .get, head.framing == .none else { return .malformed }
        guard asksForWebSocket(bytes.span(head.upgrade)) else { return .upgradeRequired }
        guard let version = head.first(.secWebSocketVersion), bytes.span(version).equals("13") else {
            return .upgradeRequired
        }
        guard let key = head.first(.secWebSocketKey) else { return .malformed }
        let text = bytes.span(key)
        // 16 bytes in base64: 22 digits and two signs of padding.
        guard text.count == 24, text[22] == UInt8(ascii: "="), text[23] == UInt8(ascii: "=") else { return .malformed }
        return .accepted(try accept(text))
    }

    /// The proof that the key was read: base64 of the SHA-1 of the key and a constant.
    static func accept(_ key: Span<UInt8>) throws(OpenSSLError) -> [UInt8] {
        let digest = try MessageDigest(.sha1)
        digest.update(key)
        digest.update(Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8).span)
        return Base64.encode(digest.finish())
    }

    private static func asksForWebSocket(_ list: Span<UInt8>) -> Bool {
        var elements = ListElements()
        while let element = elements.next(in: list) {
            if list.extracting(element).equalsIgnoringCase("websocket") { return true }
        }
        return false
    }
}

/// Base64 with padding (RFC 4648 section 4).
internal enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var number: UInt32 = 0
            for byte in group { number = number << 8 | UInt32(byte) }
            number <<= UInt32(8 * (3 - group.count))
            for digit in 0..<4 {
                let value = Int(number >> UInt32(18 - 6 * digit)) & 63
                text.append(digit <= group.count ? alphabet[value] : UInt8(ascii: "="))
            }
        }
        return text
    }
}
