<?php
// In place of Debian's, which looks for the site in /etc: here each run says by its environment where its site is.
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:' . getenv('RIG_SOCKET'));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('WP_HOME', getenv('RIG_URL'));
define('WP_SITEURL', getenv('RIG_URL'));
define('WP_CONTENT_DIR', getenv('RIG_CONTENT'));
define('WP_ENVIRONMENT_TYPE', 'local');  // application passwords also without TLS
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $each) {
    define("{$each}_KEY", "key of {$each} in a test");
    define("{$each}_SALT", "salt of {$each} in a test");
}
$table_prefix = 'wp_';
if (!defined('ABSPATH')) {
    define('ABSPATH', __DIR__ . '/');
}
require_once ABSPATH . 'wp-settings.php';

add_filter('pre_wp_mail', '__return_true');  // no mail leaves a test
remove_filter('comment_flood_filter', 'wp_throttle_comment_flood');  // a customer may write twice within 15 seconds
