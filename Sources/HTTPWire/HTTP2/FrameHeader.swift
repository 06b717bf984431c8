/// A frame's header (RFC 9113 section 4.1).
struct FrameHeader {
    var length: Int
    var type: UInt8
    var flags: UInt8
    var stream: Int32

    var endsStream: Bool { flags & 0x1 != 0 }
    var endsHeaders: Bool { flags & 0x4 != 0 }
    var isAcknowledgement: Bool { flags & 0x1 != 0 }
    /// Bytes of the field that says how much padding there is: 1 with the PADDED flag, else 0.
    var paddingField: Int { flags & 0x8 != 0 ? 1 : 0 }
}

/// Frame types (RFC 9113 section 6, RFC 9218 section 7.1).
enum FrameType {
    static let data: UInt8 = 0x0
    static let headers: UInt8 = 0x1
    static let priority: UInt8 = 0x2
    static let reset: UInt8 = 0x3
    static let settings: UInt8 = 0x4
    static let ping: UInt8 = 0x6
    static let goaway: UInt8 = 0x7
    static let windowUpdate: UInt8 = 0x8
    static let continuation: UInt8 = 0x9
    static let priorityUpdate: UInt8 = 0x10
}
