/// HTTP/2 frames written by hand (RFC 9113 section 4.1), so that a test can send what no library would.
struct Frame: Equatable {
    var type: UInt8
    var flags: UInt8 = 0
    var stream: Int32 = 0
    var payload: [UInt8] = []

    var endsStream: Bool { flags & 1 != 0 }
    /// The error code of RST_STREAM and GOAWAY.
    var code: UInt32? {
        switch type {
        case 3 where payload.count == 4: number(at: 0)
        case 7 where payload.count >= 8: number(at: 4)
        default: nil
        }
    }

    func number(at offset: Int) -> UInt32 {
        payload[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }

    var bytes: [UInt8] {
        let length = payload.count
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
            + Wire.number(UInt32(bitPattern: stream)) + payload
    }
}

enum Wire {
    typealias Fields = [(String, String)]

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// The preface and an empty SETTINGS frame, with which every client begins.
    static let opening = preface + settings()

    static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    static func settings(_ entries: [(UInt16, UInt32)] = []) -> [UInt8] {
        let payload = entries.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + number($0.1) }
        return Frame(type: 4, payload: payload).bytes
    }

    static let settingsAcknowledgement = Frame(type: 4, flags: 1).bytes

    static func headers(_ stream: Int32, _ fields: Fields, end: Bool = true, endHeaders: Bool = true) -> [UInt8] {
        Frame(type: 1, flags: (end ? 1 : 0) | (endHeaders ? 4 : 0), stream: stream, payload: block(fields)).bytes
    }

    static func data(_ stream: Int32, _ payload: [UInt8], end: Bool = false) -> [UInt8] {
        Frame(type: 0, flags: end ? 1 : 0, stream: stream, payload: payload).bytes
    }

    static func reset(_ stream: Int32, _ code: UInt32 = 8) -> [UInt8] {
        Frame(type: 3, stream: stream, payload: number(code)).bytes
    }

    static func windowUpdate(_ stream: Int32, _ count: UInt32) -> [UInt8] {
        Frame(type: 8, stream: stream, payload: number(count)).bytes
    }

    static func ping(acknowledging: Bool = false) -> [UInt8] {
        Frame(type: 6, flags: acknowledging ? 1 : 0, payload: [0, 0, 0, 0, 0, 0, 0, 0]).bytes
    }

    /// Fields as HPACK literals without indexing and without Huffman coding (RFC 7541 section 6.2.2).
    static func block(_ fields: Fields) -> [UInt8] {
        fields.flatMap { [0] + string(Array($0.0.utf8)) + string(latin1($0.1)) }
    }

    /// Scalars up to U+00FF as bytes, so that a table of text can hold any byte.
    private static func latin1(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }

    private static func string(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
        var length: [UInt8] = [127]
        var rest = bytes.count - 127
        while rest >= 128 {
            length.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return length + [UInt8(rest)] + bytes
    }

    static let get: Fields = [(":method", "GET"), (":scheme", "https"), (":authority", "foobar.com"), (":path", "/")]
    static let post: Fields = [
        (":method", "POST"), (":scheme", "https"), (":authority", "foobar.com"), (":path", "/up"),
    ]
}
