import Glibc
import Linux

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
        let arguments = [argument, "--state", folder.path, "--generation", "\(generation)", "--seconds", "\(seconds)"]
        let hasManager = FileWriting.exists("/run/systemd/system") && Namespaces.isInMachineNetwork == true
        let unit = "gatehouse-firewall-watchdog-\(generation)"
        let start =
            hasManager
            ? ProcessStart(
                program: "/usr/bin/systemd-run",
                arguments: ["systemd-run", "--quiet", "--collect", "--unit=\(unit)", program] + arguments,
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
            )
            : ProcessStart(arguments: ["gatehouse"] + arguments, ownGroup: false)
        do {
            let child = try start.run()
            for _ in 0..<100 {
                if isArmed(folder, generation: generation) { return }
                if !hasManager, let end = child.reap() {
                    throw ApplyError(.machine, "the watchdog \(end), so nothing was loaded")
                }
                Thread.pause(milliseconds: 50)
            }
        } catch let error as ApplyError {
            throw error
        } catch {
            throw ApplyError(.machine, "the watchdog cannot be started, so nothing was loaded: \(error)")
        }
        throw ApplyError(.machine, "the watchdog did not begin to watch within 5 s, so nothing was loaded")
    }

    /// Watches until the generation is confirmed or undone, and undoes it after `seconds`.
    ///
    /// When the load that undoes it fails, or its record, that is tried again each second.
    package static func run(_ applier: Applier, generation: Int, seconds: Int) throws {
        let deadline = Clock.monotonicNanoseconds + UInt64(seconds) * 1_000_000_000
        // It leads a session already when systemd started it.
        try? Detachment.leadSession()
        _ = Detachment.joinControlGroup("gatehouse-firewall-watchdog")
        try Detachment.leaveTerminal()
        let path = mark(applier.folder, generation)
        let lock = try FileLock.take(path, within: 5_000)
        defer {
            FileWriting.remove(path)
            withExtendedLifetime(lock) {}
        }
        while Clock.monotonicNanoseconds < deadline {
            // What would undo it went with the folder.
            guard applier.folder.exists else { return }
            // A state that cannot be read now may be readable later: the deadline decides.
            if let state = try? applier.state(), state.pending?.ruleset.generation != generation { return }
            Thread.pause(milliseconds: look)
        }
        var isRestored = false
        while applier.folder.exists, (try? applier.expire(generation, isRestored: &isRestored)) == nil {
            Thread.pause(milliseconds: 1_000)
        }
    }

    /// Whether a watchdog watches this generation: it holds a lock, which goes with it however it ends.
    package static func isArmed(_ folder: StateFolder, generation: Int) -> Bool {
        FileLock.isHeld(mark(folder, generation))
    }

    private static func mark(_ folder: StateFolder, _ generation: Int) -> String {
        "\(folder.path)/\(generation).\(StateFolder.mark)"
    }
}
