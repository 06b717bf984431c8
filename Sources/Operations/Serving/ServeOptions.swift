/// How a gateway is run, as far as the site file does not say it.
package struct ServeOptions: Sendable {
    /// The site file.
    package var path: String
    /// Which host of the site this machine is; nil for the one whose addresses it bears.
    package var host: String?
    /// Worker threads; nil for what the site file says, else one a core.
    package var workers: Int?
    /// The admin socket; nil for the site's own.
    package var socket: String?
    /// Whether the data plane ends with this process, however that ends, instead of serving on until the next
    /// control process takes it over.
    package var endsTogether = false

    package init(path: String) {
        self.path = path
    }
}

/// Why `serve` cannot go on as asked.
package struct ServeFailure: Error, CustomStringConvertible {
    package let description: String
    /// What the command ends with: 2 when the command or the file is wrong, 3 when the machine lacks something.
    package let exit: Int32

    internal init(_ description: String, exit: Int32 = 2) {
        self.description = description
        self.exit = exit
    }
}
