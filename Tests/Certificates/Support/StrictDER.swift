/// An element of DER (X.690, section 10), read as strictly as it is to be written.
struct StrictDER {
    let tag: UInt8
    let contents: ArraySlice<UInt8>
    /// With tag and length.
    let whole: ArraySlice<UInt8>
    /// Of a constructed element.
    let children: [StrictDER]

    struct Fault: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// The one element that the bytes are; whatever follows it is a fault.
    init(_ bytes: some Collection<UInt8>) throws {
        let all = ArraySlice(bytes)
        self = try Self.next(in: all)
        guard whole.count == all.count else { throw Fault("\(all.count - whole.count) bytes follow") }
    }

    private init(tag: UInt8, contents: ArraySlice<UInt8>, whole: ArraySlice<UInt8>) throws {
        self.tag = tag
        self.contents = contents
        self.whole = whole
        children = tag & 0x20 == 0 ? [] : try Self.all(in: contents)
        if let fault { throw Fault("\(fault) in an element of tag \(tag)") }
    }

    static func all(in bytes: ArraySlice<UInt8>) throws -> [StrictDER] {
        var rest = bytes
        var found: [StrictDER] = []
        while !rest.isEmpty {
            found.append(try next(in: rest))
            rest = rest.dropFirst(found[found.count - 1].whole.count)
        }
        return found
    }

    private static func next(in bytes: ArraySlice<UInt8>) throws -> StrictDER {
        guard bytes.count >= 2, let tag = bytes.first, tag & 0x1F != 0x1F else { throw Fault("no element") }
        let first = bytes[bytes.startIndex + 1]
        var (start, length) = (bytes.startIndex + 2, Int(first))
        if first >= 0x80 {
            let count = Int(first) - 0x80
            guard (1...4).contains(count), bytes.count >= 2 + count else { throw Fault("an indefinite length") }
            length = bytes[start..<start + count].reduce(0) { $0 << 8 | Int($1) }
            start += count
            let least = count == 1 ? 0x80 : 1 << (8 * (count - 1))
            guard length >= least else { throw Fault("a length with more bytes than it needs") }
        }
        guard length <= bytes.endIndex - start else { throw Fault("an element that is cut short") }
        let contents = bytes[start..<start + length]
        return try StrictDER(tag: tag, contents: contents, whole: bytes[bytes.startIndex..<start + length])
    }

    /// What is wrong with a primitive value, or the order of a set.
    private var fault: String? {
        let bytes = Array(contents)
        switch tag {
        case 0x01 where bytes != [0xFF] && bytes != [0x00]: return "a boolean that is neither"
        case 0x02, 0x0A:
            if bytes.isEmpty { return "an empty number" }
            if bytes.count > 1, bytes[0] == 0, bytes[1] < 0x80 { return "a zero too many" }
            if bytes.count > 1, bytes[0] == 0xFF, bytes[1] >= 0x80 { return "a sign too many" }
        case 0x03:
            guard let unused = bytes.first, unused < 8 else { return "no bits" }
            if unused > 0, bytes.count < 2 || bytes[bytes.count - 1] & (1 << unused - 1) != 0 {
                return "unused bits, set"
            }
        case 0x05 where !bytes.isEmpty: return "a null that is something"
        case 0x31:
            let elements = children.map { Array($0.whole) }
            if elements != elements.sorted(by: { $0.lexicographicallyPrecedes($1) }) { return "a set out of order" }
        default: break
        }
        return nil
    }

    /// The dotted form of an object identifier.
    var identifier: String {
        var arcs: [Int] = []
        var value = 0
        for byte in contents {
            value = value << 7 | Int(byte & 0x7F)
            if byte < 0x80 {
                arcs.append(value)
                value = 0
            }
        }
        guard let first = arcs.first else { return "" }
        let top = min(first / 40, 2)
        return ([top, first - 40 * top] + arcs.dropFirst()).map { "\($0)" }.joined(separator: ".")
    }

    /// The numbers of the bits of a BIT STRING that are set.
    var bits: Set<Int> {
        let bytes = Array(contents.dropFirst())
        return Set((0..<bytes.count * 8).filter { bytes[$0 / 8] & (0x80 >> ($0 % 8)) != 0 })
    }
}
