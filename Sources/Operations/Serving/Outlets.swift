import Control
import Engine
import Glibc
import Linux
import Site
import Synchronization

/// Where what is to be seen leaves the gateway: the access log's file and the listener for metrics.
///
/// Both follow the configuration; a place that cannot be had leaves the one before in use.
internal final class Outlets {
    private let rings: [LogRing]
    private let view: CurrentView
    private let lost: LostLines
    private var logSettings = AccessLogSettings.off
    private var writer: (writer: AccessLogWriter, thread: Thread)?
    private var metricsSettings: MetricsSettings?
    private var metrics: MetricsListener?
    /// Sockets of the program before this one, for the first `adopt`.
    var inherited: [SharedSegment]

    /// Lines that writers could not write, those of earlier writers included.
    private final class LostLines: Sendable {
        private struct State {
            var before: UInt64 = 0
            var writer: AccessLogWriter?
        }

        private let state = Mutex(State())

        var count: UInt64 { state.withLock { $0.before &+ ($0.writer?.linesLost ?? 0) } }

        func follow(_ writer: AccessLogWriter?) {
            state.withLock { state in
                state.before &+= state.writer?.linesLost ?? 0
                state.writer = writer
            }
        }
    }

    /// - Parameter rings: those of all workers of all data planes.
    init(rings: [LogRing], view: CurrentView, inherited: [SharedSegment]) {
        self.inherited = inherited
        self.rings = rings
        self.view = view
        let lost = LostLines()
        self.lost = lost
        view.update { $0.logLinesLost = { lost.count } }
    }

    /// Where metrics are served, and where the program before this one served them.
    var addresses: [SocketAddress] {
        (metrics.map { [$0.address] } ?? []) + inherited.compactMap { Socket.localAddress($0.raw) }
    }

    /// Opens what `gateway` asks for and closes what it does not.
    ///
    /// - Parameter listeners: those of the configuration before and of this one.
    /// - Throws: when a file or an address cannot be had; nothing has changed then.
    func adopt(_ gateway: GatewaySettings, besides listeners: [SocketAddress]) throws {
        let movesLog = logSettings != gateway.accessLog
        if movesLog, case .file(let path) = gateway.accessLog {
            do throws(SystemError) {
                _ = try FileWriting.openForAppending(path)
            } catch {
                let remedy =
                    switch error.code {
                    case ENXIO: "a pipe's reader must be there first"
                    case ELOOP:
                        "it is a symbolic link of somebody else, or in a folder where everybody may make one: put a file there"
                    default: "make its folder"
                    }
                throw ServeFailure(
                    "gateway.access-log: \(path) cannot be written to: \(error); \(remedy), or name another file"
                )
            }
        }
        if metricsSettings?.address != gateway.metrics?.address || metricsSettings?.port != gateway.metrics?.port {
            let next = try MetricsListener.start(
                gateway.metrics,
                adopting: inherited,
                besides: listeners + addresses,
                of: view
            )
            metrics?.stop()
            metrics = next
        }
        metricsSettings = gateway.metrics
        inherited = []
        if movesLog { try startLog(gateway.accessLog) }
    }

    /// A ring has one reader: the writer before ends first.
    private func startLog(_ settings: AccessLogSettings) throws {
        closeLog()
        let next = AccessLogWriter.make(settings, rings: rings)
        writer = try next.map { ($0, try $0.start()) }
        lost.follow(next)
        logSettings = settings
    }

    /// Has the log's file opened again, after others have moved it away.
    func reopenLog() { writer?.writer.reopen() }

    /// The socket for metrics, for the program that comes after this one; nil when there is none.
    func segment() throws(SystemError) -> SharedSegment? { try metrics?.segment() }

    /// Writes what the rings hold, and closes both.
    func close() {
        metrics?.stop()
        metrics = nil
        metricsSettings = nil
        closeLog()
    }

    private func closeLog() {
        writer?.writer.stop()
        writer?.thread.join()
        writer = nil
        logSettings = .off
    }
}
