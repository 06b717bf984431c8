import Bytes

/// Reads the frames that a client sends and puts messages together (RFC 6455 section 5).
///
/// The caller's loop is as with `HTTP1BodyDecoder`: call `next` with all that is unread, drop what was consumed, and
/// call again. The events are the same however the input is cut.
internal struct WebSocketReader {
    enum Event: Equatable {
        /// More bytes are needed.
        case needMore(consumed: Int)
        /// `message` holds one whole, text that is checked to be UTF-8 or not.
        case message(isText: Bool, consumed: Int)
        /// `control` holds the frame's payload.
        case ping(consumed: Int)
        case pong(consumed: Int)
        case close(consumed: Int)
        /// The connection must be closed with this status (RFC 6455 section 7.4.1). It stays so.
        case failed(status: UInt16)
    }

    /// Bytes that a message may have.
    static let longestMessage = 1 << 20

    /// The payload of the message, until the next call after its event.
    let message = ByteBuffer(capacity: 1024)
    /// The payload of a control frame, until the next call after its event.
    let control = ByteBuffer(capacity: 128)

    private enum State {
        case header
        case payload(Frame, left: Int, maskIndex: Int)
        case failed(UInt16)
    }

    private struct Frame {
        var isFinal: Bool
        var opcode: UInt8
        var mask: UInt32
        var isControl: Bool { opcode >= 8 }
    }

    private var state = State.header
    /// The opcode of the message whose frames are coming; nil between messages.
    private var messageOpcode: UInt8?
    private var isMessageTaken = false

    /// The next event in `input`, which begins with the first byte that was not consumed.
    mutating func next(_ input: Span<UInt8>) -> Event {
        if isMessageTaken {
            message.clear()
            isMessageTaken = false
        }
        var position = 0
        while true {
            switch state {
            case .failed(let status): return .failed(status: status)
            case .header:
                guard let length = readHeader(input, &position) else { return .needMore(consumed: position) }
                if case .payload(let frame, _, _) = state, length == 0 {
                    if let event = end(of: frame, consumed: position) { return event }
                }
            case .payload(let frame, let left, let maskIndex):
                let count = min(left, input.count - position)
                guard count > 0 else { return .needMore(consumed: position) }
                unmask(input.extracting(position..<(position + count)), frame, maskIndex)
                position += count
                state = .payload(frame, left: left - count, maskIndex: (maskIndex + count) & 3)
                if left == count, let event = end(of: frame, consumed: position) { return event }
            }
        }
    }

    /// Reads a frame's header when all of it is there.
    /// - Returns: the payload's length; nil when the header goes on beyond the input.
    private mutating func readHeader(_ input: Span<UInt8>, _ position: inout Int) -> Int? {
        let available = input.count - position
        guard available >= 2 else { return nil }
        let first = input[position]
        let second = input[position + 1]
        let frame = Frame(isFinal: first & 0x80 != 0, opcode: first & 0x0F, mask: 0)
        // No extension was agreed on, and a client masks every frame (section 5.1).
        guard first & 0x70 == 0, second & 0x80 != 0, isInPlace(frame) else { return fail(1002) }
        let short = Int(second & 0x7F)
        if frame.isControl && (short > 125 || !frame.isFinal) { return fail(1002) }
        let extra = short == 126 ? 2 : short == 127 ? 8 : 0
        guard available >= 6 + extra else { return nil }
        var length = UInt64(short)
        if extra > 0 {
            length = 0
            for index in 0..<extra { length = length << 8 | UInt64(input[position + 2 + index]) }
            // The shortest form is the only one (section 5.2).
            guard length > (extra == 2 ? 125 : 0xFFFF), length >> 63 == 0 else { return fail(1002) }
        }
        if !frame.isControl && length > UInt64(Self.longestMessage - message.count) { return fail(1009) }
        var masked = frame
        for index in 0..<4 { masked.mask = masked.mask << 8 | UInt32(input[position + 2 + extra + index]) }
        position += 6 + extra
        if frame.isControl { control.clear() }
        if !frame.isControl && frame.opcode != 0 { messageOpcode = frame.opcode }
        state = .payload(masked, left: Int(length), maskIndex: 0)
        return Int(length)
    }

    /// Whether a frame of this kind may come now: a message's frames follow one another, with control frames
    /// between them at most (section 5.4).
    private func isInPlace(_ frame: Frame) -> Bool {
        switch frame.opcode {
        case 0: messageOpcode != nil
        case 1, 2: messageOpcode == nil
        case 8, 9, 10: true
        default: false
        }
    }

    private func unmask(_ bytes: Span<UInt8>, _ frame: Frame, _ maskIndex: Int) {
        let target = frame.isControl ? control : message
        target.reserve(bytes.count)
        for index in 0..<bytes.count {
            let shift = UInt32(24 - 8 * ((maskIndex + index) & 3))
            target.append(bytes[index] ^ UInt8(truncatingIfNeeded: frame.mask >> shift))
        }
    }

    /// What the end of a frame means; nil when the message goes on.
    private mutating func end(of frame: Frame, consumed: Int) -> Event? {
        state = .header
        switch frame.opcode {
        case 8: return .close(consumed: consumed)
        case 9: return .ping(consumed: consumed)
        case 10: return .pong(consumed: consumed)
        default:
            guard frame.isFinal, let opcode = messageOpcode else { return nil }
            messageOpcode = nil
            isMessageTaken = true
            let text = message
            if opcode == 1 && !Self.isUTF8(text.readable) {
                state = .failed(1007)
                return .failed(status: 1007)
            }
            return .message(isText: opcode == 1, consumed: consumed)
        }
    }

    private mutating func fail(_ status: UInt16) -> Int? {
        state = .failed(status)
        return 0
    }

    static func isUTF8(_ bytes: Span<UInt8>) -> Bool {
        do {
            _ = try UTF8Span(validating: bytes)
            return true
        } catch {
            return false
        }
    }
}
