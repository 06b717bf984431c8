package import Linux

/// The name of a listener between control and data plane: the address it is bound to, such as
/// `[::]:443`. A listener whose address stays is the same listener, over reloads and upgrades.
package struct ListenerID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ address: SocketAddress) { text = address.description }

    package static func < (left: ListenerID, right: ListenerID) -> Bool { left.text < right.text }

    package var description: String { text }
}
