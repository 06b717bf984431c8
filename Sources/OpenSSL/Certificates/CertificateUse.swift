internal import COpenSSL
import Synchronization

/// How a certificate is in use: the connections that began with a handshake which its key signed. Those hold no key any
/// more; they are what an operator asks about who has lost one. Any thread may call.
package final class CertificateUse: Sendable {
    private let open = Atomic<Int>(0)
    private let end = Atomic<Int64>(0)

    internal init() {}

    internal func begin() { open.wrappingAdd(1, ordering: .relaxed) }

    internal func finish() {
        end.store(Int64(time(nil)), ordering: .relaxed)
        open.wrappingSubtract(1, ordering: .releasing)
    }

    /// How many of them are open.
    package var connections: Int { open.load(ordering: .acquiring) }

    /// When the last one ended that did: seconds since 1970. nil when none has.
    package var lastEnd: Int64? {
        let moment = end.load(ordering: .relaxed)
        return moment == 0 ? nil : moment
    }
}
