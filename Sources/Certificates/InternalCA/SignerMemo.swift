import Linux
import OpenSSL
import Synchronization

/// The internal CA's certificate that signs, read once for many certificates that are looked at one after another.
internal final class SignerMemo: Sendable {
    private struct Memo: Sendable {
        let stamp: FileStamp?
        let signer: Certificate?
    }

    private let memo = Mutex<Memo?>(nil)

    /// As `InternalCA.signer(in:)`.
    func value(in store: CertificateStore) throws(CertificateProblem) -> Certificate? {
        // Before it is read: what changes meanwhile is seen the next time.
        let stamp = FileStamp(InternalCA.pointer(in: store))
        if let held = memo.withLock({ $0 }), held.stamp == stamp { return held.signer }
        let signer = try InternalCA.signer(in: store)
        memo.withLock { $0 = Memo(stamp: stamp, signer: signer) }
        return signer
    }
}
