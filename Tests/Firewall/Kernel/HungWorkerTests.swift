import Firewall
import Glibc
import Linux
import Testing

/// Loads whose worker gives no answer in time, and does not end when it is killed: the kernel finishes what it is in.
@Suite("Workers that hang", .enabled(if: geteuid() == 0 && ScratchKernelTests.isPossible))
struct HungWorkerTests {
    @Test("who asked for a load goes on when its worker has come to its end, and not before")
    func awaited() throws {
        let folder = "/tmp/gatehouse-hung-worker-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FileWriting.createFolder(folder)
        defer { FileWriting.removeFolder(folder, first: "ended") }
        let arguments = ["python3", "-c", Self.uninterruptible, folder]
        do throws(KernelFailure) {
            try LiveKernel(KernelProcess(program: "/usr/bin/python3", arguments: arguments, seconds: 5)).load("")
            Issue.record("it was loaded")
        } catch {
            if "\(error)".contains("ended with status 77") { return print("not tried: no FUSE can be mounted here") }
            guard case .unavailable(let why) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(why.contains("gave no answer within 5 s and was ended: try again"))
            #expect(FileWriting.exists("\(folder)/ended"))
        }
    }

    /// Waits for the answer of a file system (fuse(4)), which no signal ends. That one ends a second after the worker was
    /// killed, and tells it by a file.
    private static let uninterruptible = """
        import ctypes, os, struct, sys, time
        libc, folder, worker = ctypes.CDLL(None), sys.argv[1], os.getpid()
        CLONE_NEWNS, MS_REC_PRIVATE, SIGKILL = 0x20000, 0x44000, 9
        libc.unshare(CLONE_NEWNS)
        libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None)
        try:
            device = os.open("/dev/fuse", os.O_RDWR)
        except OSError:
            sys.exit(77)
        options = f"fd={device},rootmode=0100000,user_id=0,group_id=0"
        place = folder + "/place"
        open(place, "w").close()
        if libc.mount(b"hung", place.encode(), b"fuse", 0, options.encode()) != 0:
            sys.exit(77)
        if os.fork() == 0:
            request = os.read(device, 1 << 17)
            # FUSE_INIT: version 7.31, and no features.
            answer = struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 0, 0, 4096, 1, 1, 0, 0, *[0] * 7)
            os.write(device, struct.pack("<IiQ", 16 + len(answer), 0, struct.unpack_from("<Q", request, 8)[0]) + answer)
            os.read(device, 1 << 17)
            while True:
                with open(f"/proc/{worker}/status") as file:
                    pending = [int(line.split()[1], 16) for line in file if line.startswith("SigPnd")][0]
                if pending >> (SIGKILL - 1) & 1:
                    break
                time.sleep(0.02)
            time.sleep(1)
            open(folder + "/ended", "w").close()
            os._exit(0)
        os.close(device)
        os.stat(place)

        """

    @Test("what may come into force later stays pending, and a rollback brings back what was there")
    func unended() async {
        await #expect(processExitsWith: .success) {
            let failing = try FailingLoads("1) exec python3 -c '\(Self.unreapable)';;", seconds: 8)
            let error = try failing.apply()
            #expect("\(error)".contains("what it loads may come into force later"), "\(error)")
            #expect("\(error)".contains("generation 2 stays pending"), "\(error)")
            #expect(try failing.applier.state().pending?.ruleset.generation == 2)
            let healthy = Applier(failing.applier.folder, workers: try BuiltProgram.workers())
            #expect(try healthy.rollback().generation == 1)
            #expect(try failing.holdsWhatItHeld)
        }
    }

    /// Has another process trace it, which does not ask how it ended: so nobody is told that it did.
    private static let unreapable = """
        import ctypes, os, time
        worker, (ready, told), PTRACE_SEIZE = os.getpid(), os.pipe(), 0x4206
        if os.fork() == 0:
            ctypes.CDLL(None).ptrace(PTRACE_SEIZE, worker, 0, 0)
            os.write(told, b"x")
            time.sleep(30)
            os._exit(0)
        os.read(ready, 1)
        time.sleep(60)

        """
}
