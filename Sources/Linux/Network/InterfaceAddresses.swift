import CLinux
import Glibc

/// The addresses of this machine's network interfaces.
package enum InterfaceAddresses {
    /// All of them, loopback included, with port 0; none when the kernel does not tell (getifaddrs(3)).
    package static func all() -> [SocketAddress] { byInterface().map(\.address) }

    /// The same, with the names of their interfaces.
    package static func byInterface() -> [(interface: String, address: SocketAddress)] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&first) == 0 else { return [] }
        defer { unsafe freeifaddrs(first) }
        var addresses: [(interface: String, address: SocketAddress)] = []
        // Sound: the list lives until it is freed, and an address has the size of its family.
        var entry = unsafe first
        while let current = unsafe entry {
            if let name = unsafe current.pointee.ifa_addr, let address = unsafe read(name) {
                addresses.append((unsafe String(cString: current.pointee.ifa_name), address))
            }
            unsafe entry = current.pointee.ifa_next
        }
        return addresses
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
}
