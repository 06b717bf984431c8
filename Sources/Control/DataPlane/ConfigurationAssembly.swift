import Linux

/// A configuration that comes in piece by piece over the channel, in the data plane.
internal struct ConfigurationAssembly {
    let generation: UInt64
    let keys: SecretBytes
    private var plan: [UInt8]?
    /// The memory that holds the plan, for the next control process.
    private(set) var planSegment: SharedSegment?
    private var listeners: [ListenerID: [ListeningSocket]] = [:]
    private var missing: Set<ListenerID>

    /// - Parameter held: the listeners of the running configuration, of which those named are kept.
    init(
        generation: UInt64,
        listeners names: [ListenerID],
        keyBytes: Int,
        held: [ListenerID: [ListeningSocket]]
    ) throws(ChannelError) {
        self.generation = generation
        keys = try Self.room(keyBytes)
        missing = Set(names)
        for name in names {
            if let group = held[name] {
                listeners[name] = group
                missing.remove(name)
            }
        }
    }

    /// Room for keys that are announced.
    static func room(_ keyBytes: Int) throws(ChannelError) -> SecretBytes {
        guard (0...DataPlaneConvention.mostKeyBytes).contains(keyBytes) else {
            throw .malformed("\(keyBytes) bytes of keys")
        }
        do throws(SystemError) {
            return try SecretBytes(count: keyBytes)
        } catch {
            throw .system(error)
        }
    }

    mutating func add(_ listener: ListenerID, _ descriptors: consuming DescriptorList) throws(ChannelError) {
        guard missing.remove(listener) != nil, descriptors.count > 0 else {
            throw .malformed("the listener \(listener), which was not announced or has no sockets")
        }
        listeners[listener] = descriptors.takeAll()
    }

    mutating func setPlan(_ descriptors: consuming DescriptorList) throws(ChannelError) {
        guard let memory = descriptors.takeFirst() else { throw .malformed("a plan without memory") }
        do throws(SystemError) {
            plan = try SealedMemory.read(memory.raw, limit: DataPlaneConvention.largestPlan)
            planSegment = SharedSegment(name: DataPlaneConvention.planSegment, owning: memory)
        } catch {
            throw .system(error)
        }
    }

    func complete(generation: UInt64) throws(ChannelError) -> DataPlaneConfiguration {
        guard generation == self.generation, let plan, missing.isEmpty else {
            throw .malformed("the end of a configuration that is not complete")
        }
        return DataPlaneConfiguration(generation: generation, plan: plan, keys: keys, listeners: listeners)
    }
}

extension DescriptorList {
    internal consuming func takeAll() -> [ListeningSocket] {
        var sockets: [ListeningSocket] = []
        while let next = takeFirst() { sockets.append(ListeningSocket(owning: next)) }
        return sockets
    }
}
