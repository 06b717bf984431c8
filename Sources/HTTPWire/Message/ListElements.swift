import Bytes

/// Walks the elements of a comma-separated list of tokens (RFC 9110 section 5.6.1): empty elements are
/// skipped, white space around an element is not part of it. Commas in quoted strings are not known.
///
///     var elements = ListElements()
///     while let element = elements.next(in: value) { … value.extracting(element) … }
package struct ListElements {
    private var position = 0

    package init() {}

    /// The next element's place in `value`, which must be the same at each call, or nil after the last.
    package mutating func next(in value: Span<UInt8>) -> Range<Int>? {
        while position < value.count {
            let end = value.firstIndex(of: UInt8(ascii: ","), from: position) ?? value.count
            let element = value.trimmed(position..<end)
            position = end + 1
            if !element.isEmpty { return element }
        }
        return nil
    }
}
