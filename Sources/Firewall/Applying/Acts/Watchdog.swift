import Glibc
package import Linux

/// The process that brings the old rules back unless somebody confirms the new ones. It outlives the command that
/// started it, that command's session, and its terminal.
package enum Watchdog {
    /// The command that calls `run`.
    package static let argument = "firewall-watchdog"

    /// How often it looks whether somebody has confirmed.
    private static let look = 200

    /// Starts one and waits until it watches.
    ///
    /// Where systemd runs, it becomes a unit of its own, since the end of a login session ends whatever its scope holds;
    /// elsewhere it leads a session and moves into a control group of its own. A network other than the machine's is
    /// known to this process and its children alone, so there systemd is not asked.
    /// - Parameter program: this program's path.
    package static func arm(
        _ folder: StateFolder,
        generation: Int,
        seconds: Int,
        program: String
    ) throws(ApplyError) {
        let deadline = Clock.monotonicNanoseconds + UInt64(seconds) * 1_000_000_000
        let arguments = [argument, "--state", folder.path, "--generation", "\(generation)", "--until", "\(deadline)"]
        let hasManager = FileWriting.exists("/run/systemd/system") && Namespaces.isInMachineNetwork == true
        let unit = "gatehouse-firewall-watchdog-\(generation)"
        let start =
            hasManager
            ? ProcessStart(
                program: "/usr/bin/systemd-run",
                arguments: ["systemd-run", "--quiet", "--collect", "--unit=\(unit)"] + restarting + [program]
                    + arguments,
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
            )
            : ProcessStart(arguments: ["gatehouse"] + arguments, ownGroup: false)
        func failure(_ what: String) -> ApplyError {
            let log = hasManager ? "`journalctl -u \(unit)` may say why; " : ""
            return ApplyError(
                .machine,
                "the watchdog \(what), so nothing was loaded: \(log)apply again, or with --confirm-within 0s, which needs none"
            )
        }
        do {
            let child = try start.run()
            for _ in 0..<100 {
                if isArmed(folder, generation: generation) { return }
                if !hasManager, let end = child.reap() {
                    throw failure("\(end)")
                }
                Thread.pause(milliseconds: 50)
            }
        } catch let error as ApplyError {
            throw error
        } catch {
            throw failure("cannot be started (\(error))")
        }
        throw failure("did not begin to watch within 5 s")
    }

    /// One that was killed is started again, as often as it takes, and counts to the same moment.
    private static let restarting = [
        "Restart=on-failure", "RestartSec=1s", "StartLimitIntervalSec=0",
    ].map { "--property=\($0)" }

    /// Where no end of a session reaches it. To be left when all that it started has ended.
    package static func joinGroup() -> ControlGroup? { ControlGroup.join("gatehouse-firewall-watchdog") }

    /// Watches until the generation is confirmed or undone, and undoes it at the deadline.
    ///
    /// What that takes it has in memory before it begins: the folder may be gone by then. When the load that undoes it
    /// fails, or its record, that is tried again each second. A command that holds the lock it waits for as others do, and
    /// then for the record alone.
    /// - Parameter deadline: by the clock that does not jump, in nanoseconds.
    package static func run(_ applier: Applier, generation: Int, until deadline: UInt64) throws {
        // It leads a session already when systemd started it.
        try? Detachment.leadSession()
        try Detachment.leaveTerminal()
        // Started again where the folder is gone, it can do nothing.
        guard applier.folder.exists, let wayBack = try applier.wayBack(from: generation) else { return }
        let path = applier.folder.mark(of: generation)
        let lock = try FileLock.take(path, within: 5_000)
        defer {
            FileWriting.remove(path)
            withExtendedLifetime(lock) {}
        }
        while Clock.monotonicNanoseconds < deadline {
            // A state that is lost now may be there again later: the deadline decides.
            if case .settled = applier.standing(of: wayBack.ruleset) { return }
            Thread.pause(milliseconds: look)
        }
        var progress = UndoProgress.begun
        while (try? applier.expire(wayBack, &progress)) == nil { Thread.pause(milliseconds: 1_000) }
    }

    /// Whether a watchdog watches this generation: it holds a lock, which goes with it however it ends.
    package static func isArmed(_ folder: StateFolder, generation: Int) -> Bool {
        FileLock.isHeld(folder.mark(of: generation))
    }
}
