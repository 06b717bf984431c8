import Site

/// By which interfaces of a host its peers are reached, as far as the site file says: it knows networks and the routers
/// that are attached to them, and no routes.
extension SiteHost {
    /// The interface that a peer is reached by; nil where the site file does not say which that is.
    func interface(toward peer: IPAddress) -> HostInterface? {
        let all = interfaces(toward: peer)
        return all.count == 1 ? all[0] : nil
    }

    /// The interfaces of which a peer is reached by one: of those in whose networks it lies that of the longest prefix,
    /// else those behind which routers of the site lead to it, else the one that leads to everything else (`fallback`);
    /// none where it may be any.
    func interfaces(toward peer: IPAddress) -> [HostInterface] {
        var nearest: (interface: HostInterface, length: Int)?
        for interface in interfaces {
            for address in interface.addresses where address.network.contains(peer) {
                if nearest.map({ $0.length < address.prefixLength }) ?? true {
                    nearest = (interface, address.prefixLength)
                }
            }
        }
        if let nearest { return [nearest.interface] }
        let leading = interfaces.filter { $0.leads(to: peer) }
        if !leading.isEmpty { return leading }
        return interfaces.fallback.map { [$0] } ?? []
    }

    /// Every way that a packet may take through the host; one where the site file says by which interfaces its ends are
    /// reached. A host of which it names no interface is taken to have one, and one with addresses that it says of no interface
    /// to have others besides.
    ///
    /// - Parameter interface: the one that it comes in by or, where the host sends it, leaves by.
    func routes(
        _ path: PacketPath,
        from source: IPAddress,
        to destination: IPAddress,
        by interface: String? = nil
    ) -> [PacketRoute] {
        func names(_ peer: IPAddress) -> [String] {
            let known = interfaces(toward: peer).map(\.name)
            if !known.isEmpty { return known }
            if interfaces.isEmpty { return ["eth0"] }
            return interfaces.map(\.name) + (addresses.isEmpty ? [] : [HostIntent.unnamedInterface])
        }
        let given = interface.map { [$0] }
        switch path {
        case .input: return (given ?? names(source)).map { PacketRoute.input(by: $0) }
        case .output: return (given ?? names(destination)).map { PacketRoute.output(by: $0) }
        case .forward:
            let (inputs, outputs) = (given ?? names(source), names(destination))
            let isKnown = inputs.count == 1 && outputs.count == 1
            // What is not known to be behind the one interface is behind another.
            return inputs.flatMap { input in
                outputs.filter { isKnown || $0 != input }.map { PacketRoute.forward(by: input, to: $0) }
            }
        }
    }
}

extension HostInterface {
    /// Whether routers of the site lead to a peer behind it.
    func leads(to peer: IPAddress) -> Bool { behind.contains { $0.contains(peer) } }
}
