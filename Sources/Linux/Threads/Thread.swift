import CLinux
import Glibc

/// A thread of the operating system, for workers that own what they touch.
package struct Thread: @unchecked Sendable {
    // Sound: pthread_t is a plain number to us, and joining is the only use of it.
    private let handle: pthread_t

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// The kernel's number for the calling thread (gettid(2)). Another may bear it once the thread has ended.
    package static var currentIdentifier: Int32 { Int32(truncatingIfNeeded: systemCall(SYS_gettid)) }

    /// Starts `body` on a thread of its own, with all signals blocked: the main thread takes them.
    ///
    /// - Parameters:
    ///   - name: 15 bytes are shown by the kernel's tools.
    ///   - stackSize: bytes; pages are only used when touched.
    package static func start(
        name: String,
        stackSize: Int = 1 << 20,
        _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) -> Thread {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setstacksize(&attributes, stackSize)
        defer { unsafe pthread_attr_destroy(&attributes) }

        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

        // Sound: the start object is retained here and released by the thread that takes it.
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body)).toOpaque()
        var handle = pthread_t()
        let code = unsafe pthread_create(
            &handle,
            &attributes,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe pthread_setname_np(pthread_self(), String(start.name.prefix(15)))
                start.body()
                return nil
            },
            start
        )
        guard code == 0 else {
            unsafe Unmanaged<Start>.fromOpaque(start).release()
            throw SystemError("pthread_create", code)
        }
        return Thread(handle: handle)
    }

    /// Names the calling thread; the main one's name is the process's in `ps` and `top`.
    ///
    /// - Parameter name: 15 bytes are shown.
    package static func nameCurrent(_ name: String) {
        unsafe pthread_setname_np(pthread_self(), String(name.prefix(15)))
    }

    /// Waits until the thread has ended. Call it once.
    package func join() {
        pthread_join(handle, nil)
    }

    /// Nobody joins it: what it holds goes with its end. Call it once, in place of `join`.
    package func detach() {
        pthread_detach(handle)
    }

    /// Has the calling thread do nothing for a while.
    package static func pause(milliseconds: Int) {
        var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        _ = unsafe nanosleep(&time, nil)
    }

    /// Cores that this process may run on, at least 1.
    package static var availableCores: Int {
        var set = cpu_set_t()
        guard unsafe sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &set) == 0 else { return 1 }
        return unsafe withUnsafeBytes(of: &set) { bytes in
            var count = 0
            for index in 0..<bytes.count { count += unsafe bytes[index].nonzeroBitCount }
            return max(1, count)
        }
    }
}
