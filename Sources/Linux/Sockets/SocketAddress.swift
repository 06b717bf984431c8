import CLinux
import Glibc

/// An IPv4 or IPv6 address with a port.
package struct SocketAddress: Hashable, Sendable {
    /// The address as 128 bits in network order; IPv4 stands in the last 32 of `low`.
    package let high: UInt64
    package let low: UInt64
    package let isIPv6: Bool
    package let port: UInt16
    /// The interface index of a link-local IPv6 address, else 0.
    package let scope: UInt32

    /// Whether it stands for all addresses of its family.
    package var isUnspecified: Bool { high == 0 && low == 0 }

    package init(ipv4: UInt32, port: UInt16) {
        self.init(high: 0, low: UInt64(ipv4), isIPv6: false, port: port, scope: 0)
    }

    /// An IPv4-mapped address (::ffff:0:0/96) becomes the IPv4 address that it stands for.
    package init(high: UInt64, low: UInt64, port: UInt16, scope: UInt32 = 0) {
        if high == 0 && low >> 32 == 0xFFFF {
            self.init(ipv4: UInt32(truncatingIfNeeded: low), port: port)
        } else {
            self.init(high: high, low: low, isIPv6: true, port: port, scope: scope)
        }
    }

    private init(high: UInt64, low: UInt64, isIPv6: Bool, port: UInt16, scope: UInt32) {
        self.high = high
        self.low = low
        self.isIPv6 = isIPv6
        self.port = port
        self.scope = scope
    }

    /// Reads an address in text, such as `192.0.2.1` or `2001:db8::1`; nil when it is none.
    package init?(_ text: String, port: UInt16) {
        var four = in_addr()
        var six = in6_addr()
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            self.init(ipv4: UInt32(bigEndian: four.s_addr), port: port)
        } else if unsafe inet_pton(AF_INET6, text, &six) == 1 {
            let (high, low) = unsafe withUnsafeBytes(of: &six) { bytes in
                (
                    UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                    UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
            self.init(high: high, low: low, port: port)
        } else {
            return nil
        }
    }

    /// Reads an address with its port as `description` writes them, such as `192.0.2.1:443` or `[::]:443`.
    package init?(description text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        guard let port = UInt16(text[text.index(after: colon)...]) else { return nil }
        var address = text[..<colon]
        if address.first == "[", address.last == "]" { address = address.dropFirst().dropLast() }
        self.init(String(address), port: port)
    }

    /// Reads what the kernel wrote; nil for a family other than IPv4 and IPv6.
    internal init?(_ storage: sockaddr_storage) {
        var storage = storage
        let family = Int32(storage.ss_family)
        // Sound: the family says which of the structures the storage holds.
        if family == AF_INET {
            let address = unsafe withUnsafeBytes(of: &storage) { unsafe $0.load(as: sockaddr_in.self) }
            self.init(ipv4: UInt32(bigEndian: address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
        } else if family == AF_INET6 {
            let (port, high, low, scope) = unsafe withUnsafeBytes(of: &storage) { bytes in
                (
                    UInt16(bigEndian: unsafe bytes.load(fromByteOffset: 2, as: UInt16.self)),
                    UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
                    unsafe bytes.load(fromByteOffset: 24, as: UInt32.self)
                )
            }
            self.init(high: high, low: low, port: port, scope: scope)
        } else {
            return nil
        }
    }

    /// Calls `body` with the kernel's form of the address.
    @unsafe
    internal func withSocketAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var storage = sockaddr_storage()
        let length: Int
        if isIPv6 {
            length = MemoryLayout<sockaddr_in6>.size
            storage.ss_family = sa_family_t(AF_INET6)
            unsafe withUnsafeMutableBytes(of: &storage) { bytes in
                unsafe bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
                unsafe bytes.storeBytes(of: high.bigEndian, toByteOffset: 8, as: UInt64.self)
                unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 16, as: UInt64.self)
                unsafe bytes.storeBytes(of: scope, toByteOffset: 24, as: UInt32.self)
            }
        } else {
            length = MemoryLayout<sockaddr_in>.size
            storage.ss_family = sa_family_t(AF_INET)
            unsafe withUnsafeMutableBytes(of: &storage) { bytes in
                unsafe bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
                unsafe bytes.storeBytes(of: UInt32(truncatingIfNeeded: low).bigEndian, toByteOffset: 4, as: UInt32.self)
            }
        }
        return unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(length)) }
        }
    }

    /// The address without its port, as RFC 5952 writes it.
    package var host: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if isIPv6 {
            var bytes = (high.bigEndian, low.bigEndian)
            unsafe inet_ntop(AF_INET6, &bytes, &text, socklen_t(text.count))
        } else {
            var address = UInt32(truncatingIfNeeded: low).bigEndian
            unsafe inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
        }
        let end = text.firstIndex(of: 0) ?? text.count
        return String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension SocketAddress: CustomStringConvertible {
    package var description: String {
        isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
