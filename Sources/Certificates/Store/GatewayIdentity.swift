import Linux
import OpenSSL

/// Which gateway it is, of those that share a store: the same after a restart of it and after an upgrade, another one on each
/// machine and for each admin socket. It is part of names of files.
package struct GatewayIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The machine's name, a hyphen, eight hexadecimal digits: `lb-01-5d41402a`.
    package let description: String

    /// - Parameter socket: the path of its admin socket, which one gateway of a machine has at a time.
    package init(socket: String) {
        // Machines that were copied may have their names in common, or their identifiers.
        let machine = Self.hostName
        let path = (try? AbsolutePath.of(socket)) ?? socket
        let place = [machine, Self.line(of: "/etc/machine-id"), path].joined(separator: "\n")
        description = "\(Self.machine)-\(Fingerprint.sha256(place).prefix(8))"
    }

    /// This machine's name, as far as it can be part of a file's.
    internal static var machine: String {
        String(hostName.prefix(64).filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
    }

    private static var hostName: String { line(of: "/proc/sys/kernel/hostname") }

    /// As it is part of a file's name.
    internal init(_ text: some StringProtocol) { description = String(text) }

    private static func line(of path: String) -> String {
        let bytes = (try? FileReading.readStream(path, limit: 256)) ?? []
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }
}
