import Glibc
import Linux
import Outbound

/// The helper that speaks to the outside for the control plane, and holds nothing: it asks name servers and ACME servers, from
/// within a sandbox without files. Control starts it with one end of a socket pair as descriptor 3, and the
/// user to become, as NAME:UID:GID, as its argument; it ends when control does.
@main
struct GatehouseOutbound {
    static func main() {
        do {
            let descriptor = try InheritedDescriptor.take(OutboundChannel.descriptor)
            let channel = OutboundChannel(owning: MessageSocket(owning: descriptor))
            _ = signal(SIGPIPE, SIG_IGN)
            let resolver = try Resolver()
            let fetcher = try authorities().map(Fetcher.init)
            let user = CommandLine.arguments.dropFirst().first.flatMap(UserAccount.init)
            let sandbox = try Sandbox.enter(as: user, filter: .outbound())
            try Service(channel: channel, resolver: resolver, fetcher: fetcher).run(sandbox: sandbox)
        } catch ChannelError.closed {
            exit(0)
        } catch {
            StandardError.write("gatehouse-outbound: \(error); it is started by gatehouse, not by hand\n")
            exit(1)
        }
    }

    /// The PEM of whom to trust, where control gave a descriptor of it.
    private static func authorities() throws -> [UInt8]? {
        guard CommandLine.arguments.dropFirst(2).first == OutboundChannel.authoritiesWord else { return nil }
        let file = try InheritedDescriptor.take(OutboundChannel.authoritiesDescriptor)
        return try FileReading.read(file, limit: 4 << 20)
    }
}
