package import Bytes
internal import COpenSSL

/// One TLS connection: bytes in, bytes out, no socket.
///
/// The caller owns all buffers and passes them with each call; a session keeps none between calls. What
/// it consumes leaves `incoming`, what must go to the peer is appended to `outgoing`, also when a call
/// fails (an alert). Used on its context's thread only.
@safe
package final class TLSSession {
    internal let handle: OpaquePointer
    internal let context: TLSContext
    /// The name the client asked for in SNI, in lower case; empty without one. Server side only.
    package internal(set) var serverName: [UInt8] = []
    /// Who the client is, as far as it counts as one when a certificate is on trial; its owner says it. Server side only.
    package var client: UInt64 = 0
    /// Where it is counted what becomes of the certificate that is shown, when one is on trial.
    internal var tally: TrialTally?
    /// The certificates for that name, from the ClientHello until the handshake is complete.
    internal var host: CertificateGeneration.Host?
    /// A CA looks for its answer to TLS-ALPN-01 (RFC 8737): once the handshake is done, the connection has done its work.
    package internal(set) var isChallenge = false
    /// Of the certificate whose key signed the handshake, for as long as the session lives. Server side only.
    private var use: CertificateUse?
    /// Set by a callback that refuses, since OpenSSL knows only that it did.
    internal var refusal: TLSFailure.Reason?
    private var failure: TLSFailure?
    /// The handshake is complete.
    package private(set) var isEstablished = false

    /// A server session for an accepted connection.
    package init(server context: TLSContext) throws(OpenSSLError) {
        self.context = context
        unsafe handle = try TLSSession.make(context)
        unsafe SSL_set_accept_state(handle)
    }

    /// A client session that asks for `serverName` and verifies the certificate against it, if the context verifies.
    package init(client context: TLSContext, serverName: String) throws(OpenSSLError) {
        self.context = context
        unsafe handle = try TLSSession.make(context)
        unsafe SSL_set_connect_state(handle)
        try setPeerName(serverName)
    }

    private static func make(_ context: TLSContext) throws(OpenSSLError) -> OpaquePointer {
        // Sound: SSL_new takes its own reference on the SSL_CTX, and each SSL_set0 takes over one of the BIO.
        guard let handle = unsafe SSL_new(context.handle) else { throw .drained("make a TLS session") }
        unsafe BIO_up_ref(context.bio)
        unsafe SSL_set0_rbio(handle, context.bio)
        unsafe BIO_up_ref(context.bio)
        unsafe SSL_set0_wbio(handle, context.bio)
        return unsafe handle
    }

    deinit {
        use?.finish()
        unsafe SSL_free(handle)
    }

    /// Takes the handshake as far as `incoming` allows.
    package func handshake(incoming: ByteBuffer, outgoing: ByteBuffer) -> TLSProgress {
        if let failure { return .failed(failure) }
        context.attach(self, incoming, outgoing)
        let status = unsafe SSL_do_handshake(handle)
        let isStarved = context.detach()
        if status == 1 {
            if !isEstablished { established() }
            return .done
        }
        return isStarved ? .needsInput : .failed(fail())
    }

    private func established() {
        isEstablished = true
        countUse()
        tally?.accept(client)
        host = nil
        // The certificate and key have done their work: without this, a rotated key would stay in
        // memory until its last connection closes. There is no renegotiation that would need them.
        unsafe SSL_certs_clear(handle)
        ERR_clear_error()
    }

    private func countUse() {
        guard let host, !isResumed, let shown = unsafe SSL_get_certificate(handle) else { return }
        // libssl holds the very object that it was given.
        use = host.firstOffered { unsafe $0.leaf.handle == shown }?.use
        use?.begin()
    }

    /// Decrypts into `plaintext`, at most `maximum` bytes (at least 1), as far as `incoming` reaches.
    package func read(
        incoming: ByteBuffer,
        outgoing: ByteBuffer,
        into plaintext: ByteBuffer,
        maximum: Int
    ) -> TLSRead {
        if let failure { return .failed(failure) }
        precondition(maximum > 0, "a read asks for bytes")
        context.attach(self, incoming, outgoing)
        let (total, status) = decrypt(incoming, plaintext, maximum)
        let isStarved = context.detach()
        if status == 1 || isStarved { return total > 0 ? .bytes(total) : .needsInput }
        if unsafe SSL_get_shutdown(handle) & SSL_RECEIVED_SHUTDOWN != 0 { return total > 0 ? .bytes(total) : .closed }
        let failure = fail()
        return total > 0 ? .bytes(total) : .failed(failure)
    }

    /// Record after record; how many bytes came, and libssl's last answer.
    private func decrypt(_ incoming: ByteBuffer, _ plaintext: ByteBuffer, _ maximum: Int) -> (Int, Int32) {
        var total = 0
        var status: Int32 = 0
        repeat {
            var count = 0
            // Room for what can come: plaintext is never longer than its records.
            let held = unsafe Int(SSL_pending(handle))
            let wanted = min(maximum - total, max(incoming.count, held, 1))
            // Sound: libssl writes `count` bytes into the room and keeps no pointer to it.
            unsafe plaintext.appendUninitialized(minimum: wanted) { room in
                unsafe status = SSL_read_ex(handle, room.baseAddress, min(room.count, maximum - total), &count)
                return count
            }
            total += count
        } while status == 1 && total < maximum && hasMore(in: incoming)
        return (total, status)
    }

    /// Whether another read could bring something before new input arrives.
    package func hasMore(in incoming: ByteBuffer) -> Bool {
        if !incoming.isEmpty { return true }
        return unsafe SSL_pending(handle) > 0
    }

    /// Encrypts all of `plaintext` and appends the records to `outgoing`.
    package func write(_ plaintext: Span<UInt8>, outgoing: ByteBuffer) -> TLSWrite {
        if let failure { return .failed(failure) }
        let count = plaintext.count
        if count == 0 { return .bytes(0) }
        context.attach(self, nil, outgoing)
        var written = 0
        // Sound: libssl reads the bytes during the call only.
        let status = unsafe plaintext.withUnsafeBytes {
            unsafe SSL_write_ex(handle, $0.baseAddress, $0.count, &written)
        }
        context.detach()
        // The BIO takes everything, so a write is whole or has failed.
        return status == 1 ? .bytes(written) : .failed(fail())
    }

    /// Appends close_notify to `outgoing`, once. Input can still be read after it.
    package func shutdown(outgoing: ByteBuffer) {
        if failure != nil || !isEstablished { return }
        if unsafe SSL_get_shutdown(handle) & SSL_SENT_SHUTDOWN != 0 { return }
        context.attach(self, nil, outgoing)
        unsafe SSL_shutdown(handle)
        context.detach()
        ERR_clear_error()
    }

    private func fail() -> TLSFailure {
        var found = TLSFailure.drained().naming(verification: unsafe SSL_get_verify_result(handle))
        if let refusal { found = TLSFailure(refusal) }
        let hasPeerClosed = unsafe SSL_get_shutdown(handle) & SSL_RECEIVED_SHUTDOWN != 0
        if found.code == 0 && found.reason == .internal && hasPeerClosed {
            found = TLSFailure(.clientClosed)
        }
        failure = found
        // Some clients look at the certificate when the handshake is done.
        if let tally, let alert = found.certificateAlert { tally.refuse(client, alert) }
        host = nil
        return found
    }
}
