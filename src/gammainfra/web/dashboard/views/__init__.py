"""One file for each page: what it reads and what its template is given. No page writes HTML, none reads a socket."""
