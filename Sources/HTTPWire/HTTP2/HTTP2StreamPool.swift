package import Bytes

/// A worker's free streams and send buffers, shared by all its sessions. Not thread-safe.
///
/// Streams are handed out last in first out. A send buffer is held only while bytes wait in it, so an idle stream
/// costs its object and no buffer.
package final class HTTP2StreamPool {
    private var free: FreeList<HTTP2Stream>
    private var freeHeads: [MessageHead] = []
    let buffers: BufferPool
    /// Streams in use.
    package private(set) var lent = 0
    /// Streams ever made, to prove that a warm worker makes none.
    package private(set) var made = 0

    /// Free streams that `trim` leaves.
    private static let reserve = 16

    /// - Parameters:
    ///   - keep: free streams kept at most, 0 or more.
    ///   - buffers: where send buffers come from.
    package init(keep: Int, buffers: BufferPool) {
        self.buffers = buffers
        free = FreeList(most: keep, reserve: min(keep, Self.reserve))
    }

    func take(id: Int32) -> HTTP2Stream {
        lent += 1
        let stream: HTTP2Stream
        if let warm = free.take() {
            stream = warm
        } else {
            made += 1
            stream = HTTP2Stream()
        }
        stream.prepare(id: id)
        return stream
    }

    func give(_ stream: HTTP2Stream) {
        lent -= 1
        giveBuffer(of: stream)
        stream.context = nil
        if let trailers = stream.trailers {
            stream.trailers = nil
            if freeHeads.isEmpty { freeHeads.append(trailers) }
        }
        // A head that grew far past its first size is let go with its stream.
        if stream.head.bytes.capacity <= 16_384 { free.give(stream) }
    }

    /// Lets go of some of the streams that nobody needed since the last call; see `FreeList.trim`.
    package func trim() { free.trim() }

    func takeTrailers() -> MessageHead {
        let head = freeHeads.popLast() ?? MessageHead()
        head.clear()
        return head
    }

    /// Takes the send buffer back from a stream, whatever is in it.
    func giveBuffer(of stream: HTTP2Stream) {
        guard let outbox = stream.outbox else { return }
        stream.outbox = nil
        buffers.give(outbox)
    }
}
