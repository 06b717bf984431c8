import Bytes
import Engine
package import Linux

/// Asks from outside whether something serves at an address.
package enum Probe {
    /// Whether a connection is taken there. A refusal, or no answer within a second, is a no.
    package static func accepts(_ address: SocketAddress) -> Bool {
        connect(address) != nil
    }

    /// Whether a request over plain HTTP gets an answer, whichever, within a second.
    package static func answers(_ address: SocketAddress) -> Bool {
        guard let socket = connect(address) else { return false }
        let descriptor = socket.raw
        let transport = Transport(socket, tls: nil, pool: BufferPool(size: 4096, keep: 0))
        guard let epoll = try? Epoll(capacity: 1) else { return false }
        guard (try? epoll.add(descriptor, [.readable], token: 0)) != nil else { return false }
        transport.note([.writable])
        let request = Array("GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".utf8)
        transport.write(request.span)
        guard case .done = transport.flush(), epoll.wait(timeout: 1000) > 0 else { return false }
        transport.note([.readable])
        return transport.receive() == .data
    }

    private static func connect(_ address: SocketAddress) -> FileDescriptor? {
        do throws(SystemError) {
            let socket = try Socket.connect(to: address)
            let epoll = try Epoll(capacity: 1)
            try epoll.add(socket.raw, [.writable], token: 0)
            guard epoll.wait(timeout: 1000) > 0, Socket.pendingError(socket.raw) == 0 else { return nil }
            return socket
        } catch {
            return nil
        }
    }
}
