/// nginx as an app server: answers with its name, has files to download, takes uploads, and can be killed.
final class NginxServer: AppServer {
    let port: UInt16
    let process: ChildProcess
    private let directory: TemporaryDirectory

    /// - Parameter files: by name, to be served below `/files/`.
    init(_ name: String, files: [String: [UInt8]] = [:], port: UInt16? = nil) throws {
        directory = try TemporaryDirectory()
        self.port = try port ?? Ports.free()
        for (file, bytes) in files { try directory.write(bytes, to: file) }
        // nginx's worker runs as nobody when the tests run as root, and must reach the files.
        _ = try run("chmod", ["-R", "a+rX", directory.root], in: directory)
        try directory.write(
            """
            daemon off;
            worker_processes 1;
            pid \(directory.path("nginx.pid"));
            error_log stderr warn;
            events { worker_connections 1024; }
            http {
                access_log off;
                client_body_temp_path \(directory.path("body"));
                proxy_temp_path \(directory.path("proxy"));
                fastcgi_temp_path \(directory.path("fastcgi"));
                uwsgi_temp_path \(directory.path("uwsgi"));
                scgi_temp_path \(directory.path("scgi"));
                client_max_body_size 0;
                keepalive_requests 1000000;
                server {
                    listen 127.0.0.1:\(self.port) backlog=1024;
                    add_header X-Served-By \(name) always;
                    location = / { return 200 "\(name)\\n"; }
                    location = /healthz { return 200 "ok\\n"; }
                    location /files/ { alias \(directory.root)/; }
                }
            }
            """,
            to: "nginx.conf"
        )
        process = try ChildProcess(
            "/usr/sbin/nginx",
            ["-p", directory.root, "-e", "stderr", "-c", directory.path("nginx.conf")],
            in: directory,
            name: "nginx"
        )
        try eventually("nginx accepts on \(self.port)") {
            if process.poll() != nil { throw HarnessError("nginx ended: \(process.standardError)") }
            return (try? Socket.connect(to: self.port)) != nil
        }
    }
}
