import DemoApp
import Linux

/// Why a port could not be taken, and with which option another one is named.
struct ListenProblem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// Listens, unless somebody does so already: SO_REUSEPORT would let the two share the port in silence.
    static func listen(on address: SocketAddress, option: String) throws(ListenProblem) -> FileDescriptor {
        if address.port != 0 && Probe.accepts(address) {
            throw ListenProblem("\(address) is taken by another program; name another port with \(option)")
        }
        do throws(SystemError) {
            return try Socket.listen(on: address, backlog: 4096)
        } catch {
            throw ListenProblem("cannot listen on \(address) (\(error)); name another port with \(option)")
        }
    }
}
