import Site

/// Puts nftables' language together, line by line, and notes whose each line is.
struct TextWriter: ~Copyable {
    private var bytes: [UInt8] = []
    private(set) var owners: [Int32] = []
    private(set) var labels: [RuleLabel] = []

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func put(_ number: some UnsignedInteger & FixedWidthInteger) {
        var rest = UInt64(truncatingIfNeeded: number)
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    mutating func put(hex number: UInt16) {
        var shift = 12
        while shift > 0, number >> shift == 0 { shift -= 4 }
        while shift >= 0 {
            let digit = UInt8(number >> shift & 0xF)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            shift -= 4
        }
    }

    /// Ends the line, which is this rule's.
    mutating func end(_ label: RuleLabel? = nil) {
        bytes.append(UInt8(ascii: "\n"))
        guard let label else { return owners.append(0) }
        if let last = labels.last, last.id == label.id, last.position.line == label.position.line {
            return owners.append(Int32(labels.count))
        }
        labels.append(label)
        owners.append(Int32(labels.count))
    }

    mutating func line(_ text: String, _ label: RuleLabel? = nil) {
        put(text)
        end(label)
    }

    /// The items with `separator` between them.
    mutating func list<Item>(_ items: [Item], _ separator: String, _ write: (inout TextWriter, Item) -> Void) {
        for index in items.indices {
            if index > 0 { put(separator) }
            write(&self, items[index])
        }
    }
}
