import Bytes

/// Builds one head to send: a response, an interim response or trailers.
///
/// One for each worker is enough: it is filled, submitted and filled again, and allocates nothing once warm.
/// Names must be lower-case tokens and values without CR, LF, NUL or white space at the edges, which is what
/// `MessageHead` holds; fields that belong to the connection (RFC 9113 section 8.2.2) must have been left out.
package final class HTTP2HeadWriter {
    let bytes = ByteBuffer(capacity: 2_048)
    var fields: [(name: Slice, value: Slice)] = []

    package init() {
        fields.reserveCapacity(32)
    }

    /// Begins a response with this status, 100 to 999.
    package func startResponse(status: Int) {
        precondition(status >= 100 && status <= 999, "a status has three digits")
        startTrailers()
        add(":status", decimal: UInt64(status))
    }

    /// Begins trailers, which have no status.
    package func startTrailers() {
        bytes.clear()
        fields.removeAll(keepingCapacity: true)
    }

    package func add(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        let start = bytes.count
        bytes.append(name)
        bytes.append(value)
        close(start: start, nameLength: name.count)
    }

    package func add(_ name: StaticString, _ value: Span<UInt8>) {
        let start = bytes.count
        bytes.append(name)
        bytes.append(value)
        close(start: start, nameLength: name.utf8CodeUnitCount)
    }

    package func add(_ name: StaticString, _ value: StaticString) {
        let start = bytes.count
        bytes.append(name)
        bytes.append(value)
        close(start: start, nameLength: name.utf8CodeUnitCount)
    }

    /// A field whose value is a number, such as content-length.
    package func add(_ name: StaticString, decimal value: UInt64) {
        let start = bytes.count
        bytes.append(name)
        bytes.append(decimal: value)
        close(start: start, nameLength: name.utf8CodeUnitCount)
    }

    /// Takes over what `other` holds.
    func copy(from other: HTTP2HeadWriter) {
        startTrailers()
        let source = other.bytes
        bytes.append(source.readable)
        fields.append(contentsOf: other.fields)
    }

    private func close(start: Int, nameLength: Int) {
        let name = Slice(offset: start, length: nameLength)
        let value = Slice(offset: start + nameLength, length: bytes.count - start - nameLength)
        fields.append((name, value))
    }
}
