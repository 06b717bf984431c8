import Glibc
import Linux
import Outbound

/// The helper that speaks to the outside for the control plane, and holds nothing: it asks name servers, from
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
            let user = CommandLine.arguments.dropFirst().first.flatMap(UserAccount.init)
            let sandbox = try Sandbox.enter(as: user, filter: .outbound())
            try Service(channel: channel, resolver: resolver).run(sandbox: sandbox)
        } catch ChannelError.closed {
            exit(0)
        } catch {
            StandardError.write("gatehouse-outbound: \(error); it is started by gatehouse, not by hand\n")
            exit(1)
        }
    }
}
