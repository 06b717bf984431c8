/// A number of bytes, as a site file writes it: `512`, `8 KiB`, `64KiB`, `1 MB`.
package struct ByteSize: Sendable, Hashable, Comparable, ExpressibleByIntegerLiteral {
    /// Never negative.
    package let bytes: Int

    package init(_ bytes: Int) {
        self.bytes = max(bytes, 0)
    }

    package init(integerLiteral value: Int) {
        self.init(value)
    }

    /// So many times 1,024 bytes.
    package static func kibibytes(_ count: Int) -> ByteSize { ByteSize(count << 10) }

    package static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }
}

extension ByteSize: CustomStringConvertible {
    /// Units and their bytes, the largest binary one first.
    static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("B", 1),
    ]

    /// Reads a size as a site file writes it. Without a unit it counts bytes.
    init(siteText text: String) throws(ValueFault) {
        let (number, name) = try Quantity.split(text, example: "64 KiB")
        guard !name.isEmpty else {
            bytes = number
            return
        }
        guard let unit = Self.units.first(where: { $0.name == name }) else {
            throw ValueFault("has an unknown unit", help: "the units are B, KiB, MiB, GiB, TiB, kB, MB, GB and TB")
        }
        bytes = try Quantity.product(number, unit.bytes)
    }

    /// As a site file writes it, in the largest binary unit that leaves a whole number.
    package var description: String {
        let unit = Self.units.prefix(4).first { bytes % $0.bytes == 0 && bytes >= $0.bytes } ?? ("B", 1)
        return "\(bytes / unit.bytes) \(unit.name)"
    }
}
