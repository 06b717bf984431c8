import Linux

/// A program of the site's that Gatehouse runs when something is to be done that only it knows how to do.
///
/// It is run without a shell, with nothing of Gatehouse's environment but HOME, so that no secret of ours reaches it.
/// What it says may hold secrets of its own: it goes into a file for its owner alone, and never into a log.
package struct HookProgram: Sendable {
    /// Why a run was of no use.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// Bytes of its output that are kept.
    private static let keptOutput = 64 << 10
    private static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    private let command: [String]
    private let milliseconds: UInt64
    private let outputPath: String

    /// - Parameters:
    ///   - command: the path of the program, then its first arguments.
    ///   - timeout: how long one run may take.
    ///   - outputPath: where what it said goes when it fails; made anew each time.
    package init(_ command: [String], timeout: Duration, outputPath: String) {
        self.command = command
        milliseconds = UInt64(clamping: timeout.components.seconds) * 1000
        self.outputPath = outputPath
    }

    /// Runs it to its end. Blocks its thread.
    ///
    /// - Parameters:
    ///   - environment: what it is told by variables, each as `NAME=value`.
    ///   - turn: held by the program, too.
    package func run(
        _ arguments: [String],
        environment: [String] = [],
        in turn: DeploymentTurn? = nil
    ) throws(Failure) {
        let program = command.first ?? ""
        let home = Environment.value("HOME").map { ["HOME=\($0)"] } ?? []
        let run: ProgramRun
        do throws(SystemError) {
            // What it starts may last: a server that yields would for good.
            run = try Thread.inForeground { [command, milliseconds] () throws(SystemError) in
                try ProgramRun.run(
                    command + arguments,
                    environment: ["PATH=\(Self.searchPath)", "LANG=C.UTF-8"] + home + environment,
                    milliseconds: milliseconds,
                    keeping: Self.keptOutput,
                    lending: turn?.raw,
                    begun: { turn?.begin(as: $0) }
                )
            }
        } catch {
            throw Failure(description: "\(program) cannot be run: \(error); name a program that this user may execute")
        }
        if run.isSuccess { return }
        let what =
            switch run.end {
            case .ended(let end): "\(end)"
            case .late: "took longer than \(milliseconds / 1000) s and was killed"
            }
        throw Failure(description: "\(program) \(what); \(keep(run.output))")
    }

    /// Where the output is now.
    private func keep(_ output: [UInt8]) -> String {
        if output.isEmpty { return "it said nothing" }
        do throws(FileError) {
            let folder = outputPath[..<(outputPath.lastIndex(of: "/") ?? outputPath.startIndex)]
            try FileWriting.createFolder(String(folder))
            try FileWriting.replace(outputPath, with: output.span, mode: 0o600)
            return "what it said is in \(outputPath)"
        } catch {
            return "what it said could not be kept: \(error)"
        }
    }
}
