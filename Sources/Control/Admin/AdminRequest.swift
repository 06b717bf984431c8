import Site

/// What an operator asks a running gateway, as one line of words over the admin socket.
package enum AdminRequest: Equatable, Sendable {
    case status
    case reload
    /// Serve the certificates that are in the store now, and answer CAs as it says there.
    ///
    /// Those that are named may have changed; without names any of them may, and all are looked at.
    case certificates(of: [String]?)
    /// How the certificates of a name are in use, those included that are shown no longer.
    case uses(certificate: String)
    /// What the site file that is in force asks of a certificate, and of whom, in a line; `null` where it names none such.
    case wish(certificate: String)
    /// Seal session tickets with fresh keys, and open no ticket of the keys before.
    case renewTickets
    case upgrade
    /// Takes a server out of the rotation; what runs on it ends.
    case drain(server: String)
    /// Puts it back.
    case ready(server: String)
    /// Changes its share, until its weight in the site file changes; 0 to 256.
    case weight(server: String, Int)

    /// The longest line, in bytes.
    package static let longestLine = 4096

    /// Reads a line; nil when it is no request. A server is named `POOL/SERVER`.
    package init?(line: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        switch (words.first, words.count) {
        case ("status", 1): self = .status
        case ("reload", 1): self = .reload
        case ("certificates", 1): self = .certificates(of: nil)
        case ("certificates", _) where words[1] == "of": self = .certificates(of: Array(words.dropFirst(2)))
        case ("certificates", 3) where words[1] == "use": self = .uses(certificate: words[2])
        case ("certificates", 3) where words[1] == "wish": self = .wish(certificate: words[2])
        case ("tickets", 2) where words[1] == "renew": self = .renewTickets
        case ("upgrade", 1): self = .upgrade
        case ("server", 3) where words[1] == "drain" && Self.isServer(words[2]): self = .drain(server: words[2])
        case ("server", 3) where words[1] == "ready" && Self.isServer(words[2]): self = .ready(server: words[2])
        case ("server", 4) where words[1] == "weight" && Self.isServer(words[2]):
            guard let weight = Int(words[3]), (0...256).contains(weight) else { return nil }
            self = .weight(server: words[2], weight)
        default: return nil
        }
    }

    /// All that `init(line:)` takes.
    package static let words =
        "status, reload, upgrade, server drain|ready POOL/SERVER, server weight POOL/SERVER 0-256, certificates, "
        + "certificates of NAME..., certificates use NAME, certificates wish NAME, or tickets renew"

    /// The line that `init(line:)` reads.
    package var line: String {
        switch self {
        case .status: "status"
        case .reload: "reload"
        case .certificates(nil): "certificates"
        case .certificates(let names?): (["certificates of"] + names).joined(separator: " ")
        case .uses(let certificate): "certificates use \(certificate)"
        case .wish(let certificate): "certificates wish \(certificate)"
        case .renewTickets: "tickets renew"
        case .upgrade: "upgrade"
        case .drain(let server): "server drain \(server)"
        case .ready(let server): "server ready \(server)"
        case .weight(let server, let weight): "server weight \(server) \(weight)"
        }
    }

    private static func isServer(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty
    }
}

/// The answer, which goes back as one line of JSON: `{"exit":0,"result":…}` or `{"exit":1,"error":"…"}`.
package struct AdminReply: Equatable, Sendable {
    /// The exit status that the command line ends with (DESIGN: 0 fine, 1 found wanting, 2 wrong, 3 lacking).
    package let exit: Int32
    /// The line, without its end.
    package let line: String

    /// - Parameter json: one JSON value without line breaks.
    package static func result(_ json: String, exit: Int32 = 0) -> AdminReply {
        AdminReply(exit: exit, line: #"{"exit":\#(exit),"result":\#(json)}"#)
    }

    package static func error(_ text: String, exit: Int32) -> AdminReply {
        AdminReply(exit: exit, line: #"{"exit":\#(exit),"error":\#(JSONValue.string(text).line)}"#)
    }
}
