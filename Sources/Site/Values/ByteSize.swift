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
