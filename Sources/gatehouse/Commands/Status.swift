import ArgumentParser
import Control
import Glibc
import Linux
import Operations
import Site

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how the running gateway, its listeners, certificates and servers stand.",
        discussion: """
            Exit status: 0 when all is well, 1 when a server is down or ejected (not one that is drained or has weight \
            0), 3 when no gateway answers.
            """
    )

    @OptionGroup var gateway: RunningGateway

    func run() throws {
        let answer = try gateway.ask(.status)
        let text = gateway.json ? answer.result.indented + "\n" : StatusTable(answer.result).text
        Output.text(text)
        if answer.exit != 0 { throw ExitCode(answer.exit) }
    }
}

/// Which running gateway a command speaks to.
struct RunningGateway: ParsableArguments {
    @OptionGroup var options: SiteOptions

    @Option(help: "The gateway's admin socket. Default: the one of the site that the site file describes.")
    var socket: String?

    @Flag(help: "Write the answer as JSON.")
    var json = false

    /// What the gateway said, and the status to end with.
    struct Answer {
        let result: JSONValue
        let exit: Int32
    }

    /// - Parameter seconds: how long the gateway may take.
    /// - Throws: `ExitCode`, after saying what is wrong on standard error.
    func ask(_ request: AdminRequest, seconds: Int32 = 10) throws -> Answer {
        let path = try path()
        let line: String?
        do {
            line = try AdminClient.ask(request, at: path, within: seconds * 1000)
        } catch let error where error.code == ECONNRESET {
            Output.error("\(path): the gateway closed the connection without an answer; its log may say why")
            throw ExitCode(3)
        } catch {
            Output.error("\(path): \(AdminClient.advice(for: error))")
            throw ExitCode(3)
        }
        guard let line, let reply = JSONValue(parsing: line), let exit = reply["exit"]?.integer else {
            Output.error("\(path): the gateway gave no answer within \(seconds) s; its log may say why")
            throw ExitCode(3)
        }
        if let error = reply["error"]?.text {
            Output.error(error)
            throw ExitCode(Int32(clamping: exit))
        }
        return Answer(result: reply["result"] ?? .null, exit: Int32(clamping: exit))
    }

    private func path() throws -> String {
        if let socket { return socket }
        let outcome = SiteFile.load(path: options.path)
        guard let site = outcome.model else {
            Output.error(outcome.text)
            Output.error("correct that, or name the gateway's socket with --socket")
            throw ExitCode(2)
        }
        return AdminSocket.defaultPath(of: site.name)
    }
}
