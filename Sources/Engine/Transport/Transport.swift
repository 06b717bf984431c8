package import Bytes
package import Linux
package import OpenSSL

/// The bytes of one stream connection, in clear to its owner whether or not TLS lies below.
///
/// Passive: its owner is told by the loop that something changed, calls `note`, and then reads and
/// writes until it would block. It holds a buffer only while there are bytes in it, so that an idle
/// connection costs no buffer. Belongs to one worker.
package final class Transport {
    /// What `receive` came to.
    package enum Received: Equatable {
        /// There is more to read in `input`.
        case data
        /// Nothing more until the loop reports again.
        case wouldBlock
        /// The peer ended its side, with close_notify where TLS is spoken.
        case endOfStream
        /// The peer ended its side without close_notify: the message may be cut (RFC 8446 section 6.1).
        case truncated
        case failed(TransportFailure)
    }

    /// What `flush` came to.
    package enum Flushed: Equatable {
        case done
        /// The rest goes when the socket is writable again.
        case blocked
        case failed(TransportFailure)
    }

    /// Bytes asked of the kernel by one read in clear: whole records when they are sealed. A sealed read asks for
    /// all the room, so that 64 KiB with a head come at once.
    package static let readSize = 65536
    /// What each of a worker's buffers holds: a read of 64 KiB, sealed in records, with a head before it.
    package static let bufferSize = 73728
    /// The largest plaintext of one TLS record (RFC 8446 section 5.1).
    private static let recordSize = 16384
    /// From here on, bytes sent in clear go from where they lie instead of being copied first.
    private static let directSize = 8192

    package private(set) var descriptor: Int32
    package let tls: TLSSession?
    private let pool: BufferPool

    /// Plaintext that came and has not been consumed; nil when there is none.
    package private(set) var input: ByteBuffer?
    /// Ciphertext of a record that is not complete.
    private var incoming: ByteBuffer?
    /// Plaintext on its way into a record.
    private var staging: ByteBuffer?
    /// What the socket has yet to take.
    private var output: ByteBuffer?

    /// Whether a read may find something.
    package private(set) var isReadable = false
    /// Whether a write may be taken.
    package private(set) var isWritable = false
    /// Whether the kernel said that the peer will send nothing more, or that the connection is lost.
    private var sawHangUp = false

    /// Bytes read from and written to the network, TLS included.
    package private(set) var bytesIn: UInt64 = 0
    package private(set) var bytesOut: UInt64 = 0

    package init(_ socket: consuming FileDescriptor, tls: TLSSession?, pool: BufferPool) {
        descriptor = socket.release()
        self.tls = tls
        self.pool = pool
    }

    deinit { close() }

    /// Takes note of what the loop reported.
    package func note(_ events: Epoll.Events) {
        if events.endsReadWait { isReadable = true }
        if events.tellsEnd { sawHangUp = true }
        if events.endsWriteWait { isWritable = true }
    }

    /// Bytes that wait to be sent.
    package var pendingOutput: Int { (output?.count ?? 0) + (staging?.count ?? 0) }
    /// Bytes that the socket took and the peer's machine has not, by a call to the kernel.
    package var untaken: Int { descriptor < 0 ? 0 : Socket.untaken(descriptor) }
    /// Whether the kernel holds nothing of the peer's, by a call to it: what came since the loop last reported counts.
    package var isSilent: Bool { descriptor >= 0 && Socket.isSilent(descriptor) }
    /// Bytes that came and have not been consumed.
    package var pendingInput: Int { input?.count ?? 0 }
    package var isClosed: Bool { descriptor < 0 }

    // MARK: Reading

    /// Whether `receive` may find something: in the socket, or in a record that is here already.
    package var mayReceive: Bool { isReadable || hasUndecrypted }
    /// Sealed bytes came with the end of the handshake, and nobody has looked at them yet.
    package private(set) var hasUndecrypted = false

    /// Reads once from the socket, and decrypts what came.
    package func receive() -> Received {
        guard mayReceive, descriptor >= 0 else { return .wouldBlock }
        return tls == nil ? receiveClear() : receiveSealed()
    }

    private func receiveClear() -> Received {
        let buffer = input ?? pool.take()
        let outcome = fill(buffer)
        input = kept(buffer)
        switch outcome {
        case .bytes: return .data
        case .wouldBlock: return .wouldBlock
        case .endOfStream: return .endOfStream
        case .failed(let code): return .failed(.system(code))
        }
    }

    private func receiveSealed() -> Received {
        guard let tls else { return .wouldBlock }
        let sealed = incoming ?? pool.take()
        let clear = input ?? pool.take()
        let alerts = output ?? pool.take()
        defer {
            incoming = kept(sealed)
            input = kept(clear)
            output = kept(alerts)
        }
        hasUndecrypted = false
        var outcome = sealed.isEmpty ? .wouldBlock : decrypt(tls, from: sealed, into: clear, alerts: alerts)
        // A record that is not whole yet: the rest of it may be in the socket.
        while outcome == .wouldBlock && isReadable {
            switch fill(sealed, atMost: Self.bufferSize) {
            case .bytes: outcome = decrypt(tls, from: sealed, into: clear, alerts: alerts)
            case .wouldBlock: return .wouldBlock
            case .endOfStream: return sawEndOfStream ? .endOfStream : .truncated
            case .failed(let code): return .failed(.system(code))
            }
        }
        return outcome
    }

    /// Decrypts all records that are whole.
    private func decrypt(
        _ tls: TLSSession,
        from sealed: ByteBuffer,
        into clear: ByteBuffer,
        alerts: ByteBuffer
    ) -> Received {
        var got = false
        while true {
            switch tls.read(incoming: sealed, outgoing: alerts, into: clear, maximum: Self.readSize) {
            case .bytes:
                got = true
                if !tls.hasMore(in: sealed) { return .data }
            case .needsInput:
                return got ? .data : .wouldBlock
            case .closed:
                sawEndOfStream = true
                isReadable = true
                return got ? .data : .endOfStream
            case .failed(let failure):
                return got ? .data : .failed(.tls(failure))
            }
        }
    }

    /// Whether close_notify came: what follows on the socket is of no interest.
    private var sawEndOfStream = false

    /// One read into `buffer`. A read that does not fill the room has emptied the socket, unless the
    /// peer's end is still to be read: the next report comes with the next change (epoll(7)).
    private func fill(_ buffer: ByteBuffer, atMost limit: Int = readSize) -> Transfer {
        if sawEndOfStream {
            isReadable = false
            return .endOfStream
        }
        var result = Transfer.wouldBlock
        // Sound: the kernel writes into the room it is given, and says how much.
        unsafe buffer.appendUninitialized(minimum: 4096) { room in
            let size = min(room.count, limit)
            result = unsafe Socket.receive(descriptor, into: UnsafeMutableRawBufferPointer(rebasing: room[..<size]))
            guard case .bytes(let count) = result else { return 0 }
            if count < size && !sawHangUp { isReadable = false }
            return count
        }
        switch result {
        case .bytes(let count): bytesIn += UInt64(count)
        case .wouldBlock, .endOfStream, .failed: isReadable = false
        }
        return result
    }

    /// Gives the input's buffer back when all of it has been consumed.
    package func releaseInput() {
        if let buffer = input { input = kept(buffer) }
    }

    /// The buffer, if there is anything in it; an empty one goes back to the pool.
    private func kept(_ buffer: ByteBuffer) -> ByteBuffer? {
        if !buffer.isEmpty { return buffer }
        pool.give(buffer)
        return nil
    }

    // MARK: Handshake

    /// Carries the TLS handshake on; what it says to the peer is sent at once.
    package func handshake() -> TLSProgress {
        guard let tls else { return .done }
        let sealed = incoming ?? pool.take()
        let answer = output ?? pool.take()
        defer {
            incoming = kept(sealed)
            output = kept(answer)
        }
        while true {
            let progress = tls.handshake(incoming: sealed, outgoing: answer)
            if case .done = progress { hasUndecrypted = !sealed.isEmpty }
            guard case .needsInput = progress, isReadable else { return progress }
            switch fill(sealed) {
            case .bytes: continue
            case .wouldBlock: return .needsInput
            case .endOfStream: return .failed(TLSFailure(.clientClosed))
            case .failed: return .failed(TLSFailure(.clientClosed))
            }
        }
    }

    // MARK: Writing

    /// Takes bytes for the peer. They go with the next `flush`, or before it when they are many.
    package func write(_ bytes: Span<UInt8>) {
        if tls != nil {
            seal(bytes)
        } else if bytes.count >= Self.directSize && isWritable {
            sendDirect(bytes)
        } else {
            append(bytes)
        }
    }

    private func append(_ bytes: Span<UInt8>) {
        let buffer = output ?? pool.take()
        output = buffer
        buffer.append(bytes)
    }

    private func sendDirect(_ bytes: Span<UInt8>) {
        if let waiting = output {
            guard case .done = send(waiting, more: true) else { return append(bytes) }
        }
        var sent = 0
        unsafe bytes.withUnsafeBytes { raw in
            while sent < raw.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: raw[sent...])
                let result = unsafe Socket.send(descriptor, rest, more: false)
                if case .bytes(let count) = result {
                    sent += count
                    continue
                }
                // An error comes back with the next flush.
                if case .failed(let code) = result { writeFailure = .system(code) }
                isWritable = false
                break
            }
        }
        bytesOut += UInt64(sent)
        if sent < bytes.count { append(bytes.extracting(sent...)) }
    }

    private func seal(_ bytes: Span<UInt8>) {
        var position = 0
        while position < bytes.count {
            let held = staging?.count ?? 0
            let size = min(Self.recordSize - held, bytes.count - position)
            let part = bytes.extracting(position..<(position + size))
            position += size
            if held == 0 && size == Self.recordSize {
                encrypt(part)
                continue
            }
            let buffer = staging ?? pool.take()
            staging = buffer
            buffer.append(part)
            if buffer.count == Self.recordSize { sealStaging() }
        }
    }

    private func sealStaging() {
        guard let buffer = staging else { return }
        encrypt(buffer.readable)
        pool.give(buffer)
        staging = nil
    }

    private func encrypt(_ bytes: Span<UInt8>) {
        guard let tls else { return }
        let sealed = output ?? pool.take()
        output = sealed
        if case .failed(let failure) = tls.write(bytes, outgoing: sealed) { writeFailure = .tls(failure) }
    }

    private var writeFailure: TransportFailure?

    /// Sends what waits, as far as the socket takes it.
    /// - Parameter more: whether more follows at once, so that a partial segment may wait (MSG_MORE).
    package func flush(more: Bool = false) -> Flushed {
        if staging != nil { sealStaging() }
        if let writeFailure { return .failed(writeFailure) }
        guard let waiting = output else { return .done }
        return send(waiting, more: more)
    }

    private func send(_ buffer: ByteBuffer, more: Bool) -> Flushed {
        guard descriptor >= 0 else { return .failed(.closed) }
        while !buffer.isEmpty {
            guard isWritable else { return .blocked }
            // Sound: the kernel reads the bytes during the call.
            let result = unsafe buffer.withUnsafeReadable { unsafe Socket.send(descriptor, $0, more: more) }
            switch result {
            case .bytes(let count):
                bytesOut += UInt64(count)
                buffer.consume(count)
            case .wouldBlock:
                isWritable = false
                return .blocked
            case .failed(let code):
                // The kernel tells it once, and reports no change after it: each flush tells it again.
                isWritable = false
                writeFailure = .system(code)
                return .failed(.system(code))
            case .endOfStream:
                return .failed(.closed)
            }
        }
        pool.give(buffer)
        output = nil
        return .done
    }

    // MARK: Ending

    /// Says that nothing more will be sent: close_notify where TLS is spoken, then the end of the stream.
    /// What waits is sent first; call it again after `blocked`.
    /// - Parameter closing: whether the caller closes at once when it is `done`, which ends the stream as well.
    package func endOutput(closing: Bool = false) -> Flushed {
        guard descriptor >= 0 else { return .done }
        if let tls, !saidGoodbye {
            saidGoodbye = true
            if staging != nil { sealStaging() }
            let sealed = output ?? pool.take()
            tls.shutdown(outgoing: sealed)
            output = kept(sealed)
        }
        // The last bytes wait for the end, and leave in one segment with it.
        let flushed = flush(more: true)
        if case .done = flushed, !closing { Socket.shutdownWrite(descriptor) }
        return flushed
    }

    private var saidGoodbye = false

    /// Closes the socket and gives the buffers back. With `reset`, the peer sees that the message was cut.
    package func close(reset: Bool = false) {
        guard descriptor >= 0 else { return }
        if reset { Socket.setResetOnClose(descriptor) }
        _ = FileDescriptor(owning: descriptor)
        descriptor = -1
        isReadable = false
        isWritable = false
        for buffer in [input, incoming, staging, output] {
            if let buffer { pool.give(buffer) }
        }
        input = nil
        incoming = nil
        staging = nil
        output = nil
    }
}

/// Why a transport can no longer be used.
package enum TransportFailure: Equatable, Sendable {
    /// The errno that the kernel gave.
    case system(Int32)
    case tls(TLSFailure)
    /// It had been closed here.
    case closed

    /// A write failed, and the peer had ended its side in order before: all that it sent can still be read.
    package var followsEnd: Bool {
        if case .system(let code) = self { Socket.followsEnd(code) } else { false }
    }
}
