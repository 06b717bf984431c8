import CLinux
import Glibc

/// The addresses of this machine's network interfaces.
package enum InterfaceAddresses {
    /// All of them, loopback included, with port 0; none when the kernel does not tell (getifaddrs(3)).
    package static func all() -> [SocketAddress] { byInterface().map(\.address) }

    /// The same, with the names of their interfaces.
    package static func byInterface() -> [(interface: String, address: SocketAddress)] {
        entries().compactMap { entry in entry.address.map { (entry.interface, $0) } }
    }

    /// One for each address of an interface, also of its link.
    ///
    /// - Returns: no address where it is no IP address; the flags of the interface (netdevice(7)).
    fileprivate static func entries() -> [(interface: String, address: SocketAddress?, flags: UInt32)] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&first) == 0 else { return [] }
        defer { unsafe freeifaddrs(first) }
        var entries: [(interface: String, address: SocketAddress?, flags: UInt32)] = []
        // Sound: the list lives until it is freed, and an address has the size of its family.
        var entry = unsafe first
        while let current = unsafe entry {
            let name = unsafe String(cString: current.pointee.ifa_name)
            let address = unsafe current.pointee.ifa_addr.flatMap { unsafe read($0) }
            entries.append((name, address, unsafe current.pointee.ifa_flags))
            unsafe entry = current.pointee.ifa_next
        }
        return entries
    }

    private static func read(_ name: UnsafeMutablePointer<sockaddr>) -> SocketAddress? {
        let size: Int
        switch Int32(unsafe name.pointee.sa_family) {
        case AF_INET: size = MemoryLayout<sockaddr_in>.size
        case AF_INET6: size = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        var storage = sockaddr_storage()
        unsafe withUnsafeMutableBytes(of: &storage) { room in
            unsafe room.copyMemory(from: UnsafeRawBufferPointer(start: name, count: size))
        }
        return SocketAddress(storage)
    }
}

/// The network interfaces of this machine, by name.
package enum InterfaceNames {
    /// All of them, in the kernel's order, also those without addresses; none when the kernel does not tell
    /// (if_nameindex(3)).
    package static func all() -> [String] {
        guard let list = unsafe if_nameindex() else { return [] }
        defer { unsafe if_freenameindex(list) }
        var names: [String] = []
        // Sound: the list lives until it is freed, and ends with an index of 0 and no name.
        var entry = unsafe list
        while let name = unsafe entry.pointee.if_name {
            names.append(unsafe String(cString: name))
            unsafe entry = entry + 1
        }
        return names
    }

    /// Those on whose links nobody asks who bears an address, as on tunnels (IFF_NOARP in netdevice(7)); none when the kernel
    /// does not tell.
    package static func withoutNeighbours() -> Set<String> {
        let flag = UInt32(IFF_NOARP)
        return Set(InterfaceAddresses.entries().filter { $0.flags & flag != 0 }.map(\.interface))
    }
}
