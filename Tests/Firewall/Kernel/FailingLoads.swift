import Firewall
import Glibc
import Linux
import Site

/// A network in which one ruleset is in force, and an applier whose workers fail when they should.
final class FailingLoads {
    let applier: Applier
    private let kernel: LiveKernel
    private let before: [UInt8]

    /// - Parameter cases: what workers do before their task, as the cases of a shell's `case`, by their number from the
    ///   load on: the first loads what differs, and the second reads back what the kernel holds, and the third again when that
    ///   changed meanwhile; where it is not what it should be, the fourth loads the whole, and the fifth and sixth read back.
    ///   Where the first fails, the second loads the whole.
    /// - Parameter seconds: how long a worker has for its task.
    init(_ cases: String, seconds: Int32 = 60) throws {
        _ = try Namespaces.isolateNetwork()
        let folder = try StateFolder("/tmp/gatehouse-failing-loads-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        let workers = try BuiltProgram.workers()
        kernel = LiveKernel(workers)
        let healthy = Applier(folder, workers: workers)
        _ = try healthy.apply(Self.order(healthy, port: 22, confirmWithin: 0)) { _, _ in }
        before = try kernel.text(.table(.own))
        let script = """
            cd \(folder.path)
            number=0; if test -e armed; then read number < armed; number=$((number + 1)); echo $number > armed; fi
            case $number in \(cases) esac
            exec \(workers.program) "$@"
            """
        let arguments = ["sh", "-c", script, "gatehouse"] + workers.arguments.dropFirst()
        applier = Applier(folder, workers: KernelProcess(program: "/bin/sh", arguments: arguments, seconds: seconds))
    }

    deinit { FileWriting.removeFolder(applier.folder.path, first: "state.json") }

    /// Whether the kernel holds the ruleset that was there first.
    var holdsWhatItHeld: Bool { get throws { try kernel.text(.table(.own)) == before } }

    /// Applies another ruleset, which fails.
    func apply() throws -> ApplyError {
        let order = try Self.order(Applier(applier.folder, workers: kernel.process), port: 2222, confirmWithin: 60)
        let mark = "\(applier.folder.path)/armed"
        do throws(ApplyError) {
            // Between this and the load nothing is asked of the kernel.
            _ = try applier.apply(order) { (_, _) throws(ApplyError) in
                do throws(FileError) {
                    try FileWriting.replace(mark, with: Array("0\n".utf8).span, mode: 0o600)
                } catch {
                    throw ApplyError(.machine, "\(error)")
                }
            }
        } catch {
            return error
        }
        throw ApplyError(.machine, "it was applied")
    }

    private static func order(_ applier: Applier, port: UInt16, confirmWithin: Int) throws -> Applier.Order {
        var ssh = PacketMatch()
        ssh.traffic = TrafficSet(.tcp, details: port...port)
        var host = HostIntent(host: "app-01")
        host.input = [IntentRule(id: "ssh", .written, .accept, matches: [ssh])]
        let ruleset = try applier.prove(CompiledRuleset(host), takesUnknown: false)
        return Applier.Order(ruleset, site: Array("port \(port)".utf8), siteModified: 0, confirmWithin: confirmWithin)
    }
}
