import Bytes
import HTTPWire

/// What an extended CONNECT of HTTP/2 lacks to be an Upgrade of HTTP/1.1.
internal enum WebSocketUpgrade {
    static let method = Array("GET".utf8)

    /// Writes a field with 16 random bytes in base64 (RFC 6455 section 4.1). The client of HTTP/2 sent
    /// none, and nobody checks the answer to it but us, who take 101 for what it says.
    static func appendKey(to out: ByteBuffer) {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        out.append("sec-websocket-key: ")
        var random = SystemRandomNumberGenerator()
        for _ in 0..<21 { out.append(alphabet[Int(random.next() % 64)]) }
        // The last digit of 16 bytes stands for two bits alone.
        out.append(alphabet[Int(random.next() % 4) * 16])
        out.append("==\r\n")
    }
}
