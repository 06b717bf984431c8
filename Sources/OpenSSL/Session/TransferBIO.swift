internal import Bytes
internal import COpenSSL

/// The buffers of the call that is under way in a context, and the session that made it.
///
/// Nothing is retained: a call into OpenSSL fills this in, and empties it before it returns, while its
/// own parameters keep the objects alive.
@safe
internal struct Transfer {
    var incoming: Unmanaged<ByteBuffer>?
    var outgoing: Unmanaged<ByteBuffer>?
    var session: Unmanaged<TLSSession>?
    /// libssl asked for more than there was, and so could not go on. The one sure sign that a call which
    /// brought nothing only lacks input: SSL_want may say "reading" after a failure too.
    var isStarved = false
}

/// The BIO through which libssl reads from and writes to the buffers of the current call.
///
/// All sessions of a context share one BIO: it holds no state but the pointer to the context's
/// `Transfer`, and a context is used by one thread. That spares a BIO and its lock for each connection.
/// A write always succeeds (buffers grow), and a read fails for one reason only, that the input is
/// used up; so the flag "retry the read" stands for good and is never touched again.
internal enum TransferBIO {
    // Sound: made once (Swift's lazy globals are) and only read afterwards.
    private nonisolated(unsafe) static let method: OpaquePointer? = unsafe makeMethod()

    /// A BIO over `transfer`, which must outlive every session that uses it.
    static func make(over transfer: UnsafeMutablePointer<Transfer>) -> OpaquePointer? {
        // Sound: plain calls with a fresh BIO; the method lives for ever.
        guard let method = unsafe method, let bio = unsafe BIO_new(method) else { return nil }
        unsafe BIO_set_data(bio, transfer)
        unsafe BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
        return unsafe bio
    }

    private static func makeMethod() -> OpaquePointer? {
        let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        // Sound: the name is a literal, and OpenSSL copies it.
        guard let method = unsafe BIO_meth_new(type, "gatehouse transfer") else { return nil }
        unsafe BIO_meth_set_read_ex(method, transferRead)
        unsafe BIO_meth_set_write_ex(method, transferWrite)
        unsafe BIO_meth_set_ctrl(method, transferControl)
        return unsafe method
    }
}

/// BIO_METHOD's read: takes from the incoming buffer; 0 asks libssl to come back with more.
private func transferRead(
    _ bio: OpaquePointer?,
    _ target: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: UnsafeMutablePointer<Int>?
) -> Int32 {
    // Sound: the data is the Transfer set in `make`; the buffer in it is kept alive by the caller of
    // the session's method; libssl gives `size` bytes of room at `target`.
    guard let transfer = unsafe BIO_get_data(bio)?.assumingMemoryBound(to: Transfer.self),
        let target = unsafe target, let count = unsafe count,
        let incoming = unsafe transfer.pointee.incoming
    else { return 0 }
    return unsafe incoming._withUnsafeGuaranteedRef { buffer in
        let taken = min(size, buffer.count)
        if taken == 0 {
            unsafe transfer.pointee.isStarved = true
            return 0
        }
        unsafe buffer.withUnsafeReadable { readable in
            if let first = readable.baseAddress {
                unsafe UnsafeMutableRawPointer(target).copyMemory(from: first, byteCount: taken)
            }
        }
        buffer.consume(taken)
        unsafe count.pointee = taken
        return 1
    }
}

/// BIO_METHOD's write: appends to the outgoing buffer.
private func transferWrite(
    _ bio: OpaquePointer?,
    _ source: UnsafePointer<CChar>?,
    _ size: Int,
    _ count: UnsafeMutablePointer<Int>?
) -> Int32 {
    // Sound: as in transferRead; `size` bytes can be read at `source`.
    guard let transfer = unsafe BIO_get_data(bio)?.assumingMemoryBound(to: Transfer.self),
        let source = unsafe source, let count = unsafe count,
        let outgoing = unsafe transfer.pointee.outgoing
    else { return 0 }
    unsafe outgoing._withUnsafeGuaranteedRef { buffer in
        unsafe buffer.appendUninitialized(minimum: size) { room in
            if let first = room.baseAddress { unsafe first.copyMemory(from: source, byteCount: size) }
            return size
        }
    }
    unsafe count.pointee = size
    return 1
}

/// BIO_METHOD's ctrl: a flush is done at once, since bytes are in the buffer already.
private func transferControl(
    _ bio: OpaquePointer?,
    _ command: Int32,
    _ number: Int,
    _ pointer: UnsafeMutableRawPointer?
) -> Int {
    command == BIO_CTRL_FLUSH ? 1 : 0
}
