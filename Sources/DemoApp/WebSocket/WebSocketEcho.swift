import Bytes

/// Gives every message back, answers pings, and closes as it is asked to.
internal final class WebSocketEcho {
    enum Progress: Equatable {
        /// It wants more input.
        case needMore
        /// It wrote something: send it before going on.
        case wrote
        /// It wrote its close frame: send it and close.
        case closed
    }

    private var reader = WebSocketReader()

    var bufferedBytes: Int { reader.message.count + reader.control.count }

    /// Takes one step through `input`, which it consumes.
    ///
    /// - Parameter write: takes bytes for the client.
    func step(_ input: ByteBuffer, write: (Span<UInt8>) -> Void) -> Progress {
        switch reader.next(input.readable) {
        case .needMore(let consumed):
            input.consume(consumed)
            return .needMore
        case .message(let isText, let consumed):
            input.consume(consumed)
            send(isText ? 1 : 2, reader.message, write)
            return .wrote
        case .ping(let consumed):
            input.consume(consumed)
            send(10, reader.control, write)
            return .wrote
        case .pong(let consumed):
            input.consume(consumed)
            return .wrote
        case .close(let consumed):
            input.consume(consumed)
            answerClose(write)
            return .closed
        case .failed(let status):
            input.consume(input.count)
            close(status, write)
            return .closed
        }
    }

    /// Gives the client's status back, or says what is wrong with it (RFC 6455 sections 5.5.1 and 7.4).
    private func answerClose(_ write: (Span<UInt8>) -> Void) {
        let payload = reader.control
        if payload.isEmpty { return send(8, payload, write) }
        guard payload.count >= 2 else { return close(1002, write) }
        let status = UInt16(payload[0]) << 8 | UInt16(payload[1])
        let bytes = payload.readable
        switch status {
        case 1000...1003, 1007...1014, 3000...4999:
            close(WebSocketReader.isUTF8(bytes.extracting(2..<bytes.count)) ? status : 1007, write)
        default: close(1002, write)
        }
    }

    private func close(_ status: UInt16, _ write: (Span<UInt8>) -> Void) {
        let payload = ByteBuffer(capacity: 2)
        payload.append(UInt8(status >> 8))
        payload.append(UInt8(status & 0xFF))
        send(8, payload, write)
    }

    /// One whole frame, not masked, as servers send them.
    private func send(_ opcode: UInt8, _ payload: ByteBuffer, _ write: (Span<UInt8>) -> Void) {
        let header = ByteBuffer(capacity: 10)
        header.append(0x80 | opcode)
        let count = payload.count
        let extra = count <= 125 ? 0 : count <= 0xFFFF ? 2 : 8
        header.append(extra == 0 ? UInt8(count) : extra == 2 ? 126 : 127)
        for index in stride(from: extra - 1, through: 0, by: -1) {
            header.append(UInt8(truncatingIfNeeded: UInt64(count) >> UInt64(8 * index)))
        }
        write(header.readable)
        write(payload.readable)
    }
}
