package import Bytes

/// Writes messages of HTTP/1.1 at the end of a buffer. It allocates nothing but what the buffer needs
/// to grow, and checks nothing: names and values come from a parsed head or from the program itself.
///
/// A span of `buffer` itself must not be passed.
package enum HTTP1Writer {
    /// `method target HTTP/1.1` and its line end.
    @inlinable
    package static func requestLine(method: Span<UInt8>, target: Span<UInt8>, to buffer: ByteBuffer) {
        buffer.append(method)
        buffer.append(0x20)
        buffer.append(target)
        buffer.append(" HTTP/1.1\r\n")
    }

    /// `HTTP/1.1 status reason` and its line end.
    ///
    /// - Parameter status: 100 to 999.
    package static func statusLine(status: Int, to buffer: ByteBuffer) {
        switch status {
        case 200: buffer.append("HTTP/1.1 200 OK\r\n")
        case 204: buffer.append("HTTP/1.1 204 No Content\r\n")
        case 206: buffer.append("HTTP/1.1 206 Partial Content\r\n")
        case 302: buffer.append("HTTP/1.1 302 Found\r\n")
        case 304: buffer.append("HTTP/1.1 304 Not Modified\r\n")
        case 404: buffer.append("HTTP/1.1 404 Not Found\r\n")
        default:
            buffer.append("HTTP/1.1 ")
            buffer.append(decimal: status)
            buffer.append(0x20)
            buffer.append(ReasonPhrase.of(status))
            buffer.append("\r\n")
        }
    }

    /// The fields of `head` that are passed on, in their order.
    ///
    /// - Parameter leftOut: fields that stay behind besides those for one hop alone.
    package static func fields(of head: MessageHead, without leftOut: FieldNames, to buffer: ByteBuffer) {
        let text = head.bytes
        // Lines that lie one behind the other go out as one piece.
        var run = 0..<0
        for field in head.fields where !field.isHopByHop && !leftOut.contains(field.known) {
            guard let line = head.line(of: field) else {
                buffer.append(text.readable.extracting(run))
                run = 0..<0
                Self.field(name: text.span(field.name), value: text.span(field.value), to: buffer)
                continue
            }
            if line.lowerBound == run.upperBound {
                run = run.lowerBound..<line.upperBound
            } else {
                buffer.append(text.readable.extracting(run))
                run = line
            }
        }
        buffer.append(text.readable.extracting(run))
    }

    @inlinable
    package static func field(name: StaticString, value: Span<UInt8>, to buffer: ByteBuffer) {
        buffer.append(name)
        buffer.append(": ")
        buffer.append(value)
        buffer.append("\r\n")
    }

    @inlinable
    package static func field(name: StaticString, value: StaticString, to buffer: ByteBuffer) {
        buffer.append(name)
        buffer.append(": ")
        buffer.append(value)
        buffer.append("\r\n")
    }

    @inlinable
    package static func field(name: Span<UInt8>, value: Span<UInt8>, to buffer: ByteBuffer) {
        buffer.append(name)
        buffer.append(": ")
        buffer.append(value)
        buffer.append("\r\n")
    }

    @inlinable
    package static func field(name: StaticString, decimal value: UInt64, to buffer: ByteBuffer) {
        buffer.append(name)
        buffer.append(": ")
        buffer.append(decimal: value)
        buffer.append("\r\n")
    }

    /// The empty line after the last field of a head, or of trailers.
    @inlinable
    package static func endOfHead(to buffer: ByteBuffer) {
        buffer.append("\r\n")
    }

    /// What stands before a chunk's data.
    ///
    /// - Parameter size: bytes of data; never 0, which would end the body.
    @inlinable
    package static func chunkHead(size: Int, to buffer: ByteBuffer) {
        precondition(size > 0, "an empty chunk ends the body")
        buffer.append(hex: UInt64(size))
        buffer.append("\r\n")
    }

    /// What stands after a chunk's data.
    @inlinable
    package static func chunkEnd(to buffer: ByteBuffer) {
        buffer.append("\r\n")
    }

    /// The end of a chunked body without trailers.
    @inlinable
    package static func lastChunk(to buffer: ByteBuffer) {
        buffer.append("0\r\n\r\n")
    }

    /// The end of a chunked body with those trailers behind it that are not hop-by-hop.
    package static func lastChunk(trailers: MessageHead, to buffer: ByteBuffer) {
        buffer.append("0\r\n")
        fields(of: trailers, without: FieldNames(), to: buffer)
        endOfHead(to: buffer)
    }
}
