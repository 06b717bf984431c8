internal import Bytes

/// The server_name extension of a ClientHello (RFC 6066 section 3).
internal enum ServerNameExtension {
    /// The host name in lower case, without a final dot; nil when it is malformed or no name of a host.
    static func hostName(_ bytes: Span<UInt8>) -> [UInt8]? {
        // ServerNameList length (2), name_type (1, host_name is 0), HostName length (2), HostName.
        guard bytes.count > 5 else { return nil }
        let list = Int(bytes[0]) << 8 | Int(bytes[1])
        let length = Int(bytes[3]) << 8 | Int(bytes[4])
        guard list == bytes.count - 2, bytes[2] == 0, length > 0, length <= list - 3 else { return nil }
        return normalized(bytes.extracting(5..<(5 + length)))
    }

    /// A name as the certificate table has it; nil for what cannot be the name of a host.
    static func normalized(_ name: Span<UInt8>) -> [UInt8]? {
        var length = name.count
        if length > 0 && name[length - 1] == UInt8(ascii: ".") { length -= 1 }
        guard length > 0, length <= 253 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(length)
        for index in 0..<length {
            let byte = name[index].asciiLowercased
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: "_"):
                result.append(byte)
            default:
                return nil
            }
        }
        return result
    }
}
