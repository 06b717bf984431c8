import ArgumentParser
import Control
import Operations
import Site

struct Server: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Take a server out of the rotation, put it back, or change its weight.",
        subcommands: [Drain.self, Ready.self, Weight.self]
    )

    struct Drain: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drain",
            abstract: "Give a server no new requests; those under way end."
        )

        @OptionGroup var gateway: RunningGateway
        @Argument(help: "The server, as POOL/SERVER.") var server: ServerArgument

        func run() throws { try gateway.move(.drain(server: server.name)) }
    }

    struct Ready: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ready", abstract: "Undo a drain.")

        @OptionGroup var gateway: RunningGateway
        @Argument(help: "The server, as POOL/SERVER.") var server: ServerArgument

        func run() throws { try gateway.move(.ready(server: server.name)) }
    }

    struct Weight: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "weight",
            abstract: "Change a server's share of the requests."
        )

        @OptionGroup var gateway: RunningGateway
        @Argument(help: "The server, as POOL/SERVER.") var server: ServerArgument
        @Argument(help: "0 to 256; 0 drains.") var weight: Int

        func validate() throws {
            guard (0...256).contains(weight) else { throw ValidationError("a weight is 0 to 256, not \(weight)") }
        }

        func run() throws { try gateway.move(.weight(server: server.name, weight)) }
    }
}

/// `POOL/SERVER`, free of what the admin socket's line could not carry.
struct ServerArgument: ExpressibleByArgument {
    let name: String

    init?(argument: String) {
        guard case .drain = AdminRequest(line: "server drain \(argument)") else { return nil }
        name = argument
    }
}

extension RunningGateway {
    /// Asks for the change, and says what was and what is.
    fileprivate func move(_ request: AdminRequest) throws {
        let result = try ask(request).result
        if json { return print(result.indented) }
        print("\(result["server"]?.text ?? "-"): \(standing(result["was"])) -> \(standing(result["is"]))")
    }

    private func standing(_ value: JSONValue?) -> String {
        let word = value?["admin"]?.text == "drain" ? "drained" : "ready"
        return "\(word), weight \(value?["weight"]?.integer ?? 0)"
    }
}
