extension Span where Element == UInt8 {
    /// Equal to a literal, byte for byte.
    @inlinable public func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        let literal = unsafe UnsafeRawPointer(text.utf8Start)
        // Sound: both have `count` bytes.
        return unsafe withUnsafeBytes { own in
            guard let first = own.baseAddress else { return true }
            return unsafe ByteRun.areEqual(first, literal, count: own.count)
        }
    }

    /// Equal to a literal in lower case, where this side's ASCII letters may be of either case.
    @inlinable public func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        guard count == lowercase.utf8CodeUnitCount else { return false }
        let literal = unsafe UnsafeBufferPointer(start: lowercase.utf8Start, count: count)
        for index in 0..<count where unsafe self[index].asciiLowercased != literal[index] { return false }
        return true
    }

    /// Equal to other bytes, byte for byte.
    @inlinable public func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        // Sound: both have `count` bytes.
        return unsafe withUnsafeBytes { own in
            unsafe other.withUnsafeBytes { others in
                guard let first = own.baseAddress, let second = others.baseAddress else { return true }
                return unsafe ByteRun.areEqual(first, second, count: own.count)
            }
        }
    }

    /// Equal but for the case of ASCII letters.
    @inlinable public func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where self[index].asciiLowercased != other[index].asciiLowercased { return false }
        return true
    }

    /// Begins with these bytes.
    @inlinable public func starts(with prefix: Span<UInt8>) -> Bool {
        count >= prefix.count && extracting(first: prefix.count).equals(prefix)
    }

    /// Where `byte` first stands at or after `from`, or nil.
    @inlinable public func firstIndex(of byte: UInt8, from: Int = 0) -> Int? {
        var index = from
        while index < count {
            if self[index] == byte { return index }
            index += 1
        }
        return nil
    }

    /// The bytes as text; ill-formed UTF-8 becomes U+FFFD. Allocates: not for the request path.
    public var text: String {
        unsafe withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// A copy of the bytes. Allocates: not for the request path.
    public var array: [UInt8] {
        unsafe withUnsafeBufferPointer { unsafe Array($0) }
    }
}

extension UInt8 {
    /// The lower-case letter of an ASCII upper-case one; any other byte as it is.
    @inlinable public var asciiLowercased: UInt8 {
        self &- 65 < 26 ? self | 32 : self
    }
}
